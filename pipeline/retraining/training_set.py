"""Training set of a retraining: the new pictures, and replayed pictures of every known domain."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from components.data_gate.stopping import stop_message, stopping_findings
from components.data_gate.validation_options import ValidationOptions
from components.evaluation.predictions.stored_predictions import stored_slices
from components.pusher.data_set import DataSetRow
from components.pusher.version_store import VersionStore
from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot, write_listing
from pipeline.retraining.assessing.assessment import AssessedRows
from pipeline.retraining.batch import KEPT, Batch
from pipeline.retraining.deliveries.batch_store import BatchRow, BatchStore
from pipeline.retraining.pictures.fold_assignment import assign_folds, read_folds
from pipeline.retraining.pictures.known_pictures import KnownPictures
from pipeline.retraining.pictures.listing_rows import ListingRows
from pipeline.retraining.pictures.picture_updates import (
    Change,
    DeliveredBatch,
    NewestRows,
    PictureUpdate,
    content_of,
    is_usable,
    newest_rows,
)
from pipeline.retraining.pictures.readable_pictures import check_readable
from pipeline.retraining.pictures.replaced_batches import (
    OmittedPictures,
    batch_location,
    find_omitted,
    finished_batches,
    labels_that_count,
    replaced_batches,
    stored_rows,
)
from pipeline.retraining.pictures.replay import replay_rows
from pipeline.retraining.pictures.trainable_rows import without_stopping_rows
from pipeline.retraining.pictures.update_summary import UpdateCounts, count_updates, update_findings
from pipeline.retraining.unlabelled.held_out_pictures import held_out_rows, trained_rows
from pipeline.retraining.unlabelled.label_conflicts import (
    LabelConflict,
    compare_labels,
    unverified_domains,
)
from pipeline.retraining.unlabelled.unlabelled_examples import write_unlabelled
from pipeline.retraining.waiting_accuracy import waiting_accuracies
from pipeline.workspace import Workspace
from trainer_module.contract.errors import DataError, UnavailableError
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.printable_names import printable_name


@dataclass(frozen=True)
class TrainingSet:
    """The pictures that a retraining can use.

    Attributes:
        workspace: Workspace of the batches.
        batch: Batch that the retraining is for.
        batches: All batches of the ledger.
        model: Folder of the serving version.
        known: Pictures that the serving version was made from; None for a version without the list.
        delivered: All rows of the batch.
        newest: What the newest delivery of every picture says, of those in the batch and in the
            batches that wait for a training.
        omitted: Pictures that the redelivery of their batch omits.
        slices: Values of slices of the pictures that the serving version was tested on, by content.
        conflicts: New pictures to which batches give different labels, by content. They are not
            trained on.
    """

    workspace: Workspace
    batch: Batch
    batches: list[Batch]
    model: Path
    known: KnownPictures | None
    delivered: list[BatchRow]
    newest: NewestRows
    omitted: OmittedPictures
    slices: dict[bytes, dict[str, str]]
    conflicts: dict[bytes, LabelConflict]

    @classmethod
    def read(
        cls,
        batch: Batch,
        batches: list[Batch],
        model: Path,
        workspace: Workspace,
        validation: ValidationOptions | None = None,
    ) -> "TrainingSet":
        """Read the batch, the waiting batches, and the data set of the serving version.

        Pictures of waiting batches at which the data gate would stop the run are left out.

        Args:
            batch: Batch that the retraining is for.
            batches: All batches of the ledger.
            model: Folder of the serving version.
            workspace: Workspace of the batches.
            validation: Options of the data gate; None to let waiting pictures have any class.
        """
        store = BatchStore(workspace.batches)
        known = KnownPictures.read(model, workspace)
        versions = VersionStore(workspace.root, model.parent.name)
        replaced = replaced_batches(batches, batch.number, versions)
        others = [one for one in batches if one.number != batch.number and one not in replaced]
        delivered = store.read(batch.digest)
        current = DeliveredBatch(batch.number, delivered)
        kept = [one for one in others if one.state in KEPT]
        waiting = [DeliveredBatch(one.number, store.read(one.digest)) for one in kept]
        pushed = [
            DeliveredBatch(one.number, stored_rows(one, store))
            for one in others
            if replaced and one.version is not None
        ]
        of_version = known or KnownPictures([], {})
        slices = stored_slices(model)
        oldest = min(one.number for one in [current, *waiting])
        newest = newest_rows(
            [current, *waiting],
            of_version.by_content,
            {batch_location(one): one.number for one in batches},
            {batch_location(one) for one in replaced},
            finished_batches(others, oldest, versions, store),
            slices,
        )
        newest = without_stopping_rows(newest, batch.number, known, validation)
        newest, conflicts = compare_labels(
            newest,
            labels_that_count(batches, replaced, store, versions),
            unverified_domains(batches),
        )
        omitted = find_omitted(
            of_version, replaced, batch.number, [current, *waiting], pushed, store
        )
        return cls(
            workspace, batch, batches, model, known, delivered, newest, omitted, slices, conflicts
        )

    def assessed_rows(self) -> AssessedRows:
        """Return what is assessed of the batch, and what is only counted."""
        return AssessedRows(
            rows=self._rows_with_news(),
            root=self.workspace.root,
            known=self._num_known(),
            changes=self._changes(),
            omitted=self.omitted.count,
            waiting_changes=self._num_waiting_changes(),
        )

    def num_waiting(self) -> Counter[str]:
        """Return the number of labelled pictures in waiting batches by domain.

        Those to which batches give different labels do not count.
        """
        return _count_labelled([row for row in self._waiting_rows() if not self._is_disputed(row)])

    def num_disputed(self) -> Counter[str]:
        """Return the number of pictures of the batch that others give another label, by domain."""
        rows = self.newest.new[self.batch.number]
        return _count_labelled([row for row in rows if self._is_disputed(row)])

    def waiting_accuracies(self) -> dict[str, float]:
        """Return the accuracy of the pictures in waiting batches by domain."""
        others = [one for one in self.batches if one.number != self.batch.number]
        return waiting_accuracies(self.newest.new, others)

    def batch_update_counts(self) -> UpdateCounts:
        """Return how many known pictures the batch changes."""
        return count_updates(self._updates_of_batch(), self.omitted.count)

    def update_counts(self) -> UpdateCounts:
        """Return how many known pictures the training changes, for this and waiting batches."""
        return count_updates(self.newest.updates.values(), self.omitted.count)

    def new_rows(self, min_pictures: int) -> list[BatchRow]:
        """Return the rows that no version was trained on: those of the batch, and waiting ones.

        Waiting rows of a new domain with too few pictures are left out: on its one or two test
        pictures, a candidate and the baseline could not be told apart.

        Args:
            min_pictures: Number of labelled pictures that a new domain needs.
        """
        own, others = self.newest.new[self.batch.number], self._waiting_rows()
        rows = [row for row in own if not self._is_disputed(row)]
        waiting = [row for row in others if not self._is_disputed(row)]
        counts = _count_labelled(rows + waiting)
        known = self.known.domains if self.known else set()
        return rows + [
            row
            for row in waiting
            if row["domain"] in known or counts[row["domain"]] >= min_pictures
        ]

    def listing_rows(self, config: RunConfig) -> ListingRows:
        """Return what makes the rows of a listing.

        Raises:
            UnavailableError: The serving version has no list of its pictures.
        """
        if self.known is None:
            raise UnavailableError(
                f"{self.model} was pushed by an earlier version of carryover, without the list of "
                "its pictures. Run carryover run once."
            )
        by_stem = config.split.group_by == "stem" or self.known.is_grouped_by_stem
        folds = read_folds(self.model, self.known.rows)
        return ListingRows(self.known, self.workspace.root, folds, by_stem, self.slices)

    def held_out(self, config: RunConfig) -> dict[str, list[BatchRow]]:
        """Return the unlabelled pictures of the batch that are kept to test with, by domain."""
        unlabelled = [row for row in self.newest.new[self.batch.number] if not row["label"]]
        by_domain: dict[str, list[BatchRow]] = defaultdict(list)
        for row in held_out_rows(unlabelled, self.listing_rows(config), config.split):
            by_domain[row["domain"]].append(row)
        return by_domain

    def write(self, config: RunConfig, unverified: Collection[str] = ()) -> Snapshot:
        """Write the listing of the retraining, and the examples of its unlabelled pictures.

        It holds the new pictures, those that a delivery changes, and of every known domain all test
        pictures, so that the gate sees each of them, and the replay set: a sample of the training
        and eval pictures in which classes are balanced. The replay set does not depend on the
        batch. Known pictures keep their splits, and new ones get the split of their group, if it is
        known.

        Args:
            config: Configuration of the run.
            unverified: Domains without any label whose unlabelled pictures are trained on.

        Raises:
            UnavailableError: The serving version has no list of its pictures, or their files are
                unavailable.
            DataError: The run stops at a finding.
        """
        rows = self.listing_rows(config)
        new = self.new_rows(config.retrain.min_pictures)
        updates = list(self.newest.updates.values())
        listed = rows.of_updates(updates)
        listed += rows.of_new([row for row in new if row["label"] or "reason" in row], listed)
        replayed = rows.of_known(
            replay_rows(self._unchanged_rows(), self.batches, config.retrain, rows.folds)
        )
        check_readable(replayed + listed, config.validation)
        findings = update_findings(updates, self.omitted.known, rows)
        if stopping := stopping_findings(findings, config.validation):
            raise DataError(stop_message(stopping, config.validation))
        all_folds = assign_folds(
            replayed + listed,
            {row["path"]: bytes.fromhex(row["sha256"]) for row in new if row["label"]},
            rows.known.group_splits(rows.by_stem),
            config.split,
        )
        root, inputs = self.workspace.root, self.workspace.inputs
        snapshot = write_listing(
            replayed + listed, str(root), self.batch.name, inputs, config.slice_columns
        )
        unlabelled = trained_rows(new, listed, rows, unverified, config)
        return replace(
            snapshot,
            batch=self.batch.digest,
            batch_name=printable_name(self.batch.name),
            new_folders=_batch_folders(listed),
            folds=all_folds,
            unlabelled=write_unlabelled(
                unlabelled, root, config.image_size, config.storage(len(unlabelled)), inputs
            ),
            without_label=sum(is_usable(row) and not row["label"] for row in new),
            findings=tuple(findings),
        )

    def _rows_with_news(self) -> list[BatchRow]:
        """Return the rows of the batch without known pictures of which it says nothing new."""
        updates = self._updates_of_batch()
        return self.newest.new[self.batch.number] + [row for one in updates for row in one.rows]

    def _num_known(self) -> Counter[str]:
        """Return the number of pictures of the batch that are known as they are, by domain."""
        told = {row["sha256"] for row in self._rows_with_news()}
        return Counter(
            row["domain"] for row in self.delivered if is_usable(row) and row["sha256"] not in told
        )

    def _changes(self) -> dict[str, frozenset[Change]]:
        """Return what the batch changes of known pictures, by the paths of its rows."""
        return {
            row["path"]: update.changes
            for update in self._updates_of_batch()
            if update.changes
            for row in update.rows
        }

    def _num_waiting_changes(self) -> int:
        """Return the number of known pictures whose label or domain a waiting batch changes."""
        return sum(
            bool(update.changes & {"label", "domain"})
            for update in self.newest.updates.values()
            if update.number != self.batch.number
        )

    def _updates_of_batch(self) -> list[PictureUpdate]:
        updates = self.newest.updates.values()
        return [update for update in updates if update.number == self.batch.number]

    def _is_disputed(self, row: BatchRow) -> bool:
        return is_usable(row) and content_of(row) in self.conflicts

    def _waiting_rows(self) -> list[BatchRow]:
        return [
            row
            for number, rows in self.newest.new.items()
            if number != self.batch.number
            for row in rows
        ]

    def _unchanged_rows(self) -> list[DataSetRow]:
        """Return the known rows that no delivery replaces or omits."""
        assert self.known is not None  # noqa: S101 (for the type checker)
        omitted = {row["location"] for row in self.omitted.known}
        return [
            row
            for row in self.known.rows
            if row["content"] not in self.newest.updates and row["location"] not in omitted
        ]


def _count_labelled(rows: list[BatchRow]) -> Counter[str]:
    """Return the number of usable pictures with a label by domain."""
    return Counter(row["domain"] for row in rows if row["label"] and is_usable(row))


def _batch_folders(rows: list[ListingRow]) -> tuple[str, ...]:
    """Return the folders of the batches that rows are from, relative to the workspace."""
    return tuple(sorted({"/".join(row["path"].split("/", 2)[:2]) for row in rows}))
