"""Training set of a retraining: the new pictures, and replayed pictures of every known domain."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pyarrow as pa

from components.image_example_gen.splits import DIGEST_BYTES
from components.pusher.data_set import DataSetRow, read_data_set
from pipeline.config.retraining_options import RetrainOptions
from pipeline.config.run_config import RunConfig
from pipeline.inputs.file_status import add_file_status
from pipeline.inputs.snapshot import Snapshot, write_listing
from pipeline.retraining.batch_store import BatchRow, BatchStore, delivered_keys
from pipeline.retraining.ledger import WAITING, Batch
from pipeline.workspace import Workspace
from trainer_module.contract import example_features
from trainer_module.contract.errors import InputError
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import is_uri, locate

#: Replayed eval pictures of a domain, as a share of its replayed training pictures.
EVAL_SHARE = 0.4


@dataclass(frozen=True)
class TrainingSet:
    """The pictures that a retraining can use.

    Attributes:
        workspace: Workspace of the batches.
        batch: Batch that the retraining is for.
        batches: All batches of the ledger.
        model: Folder of the serving version.
        data_set: Pictures that the serving version was made from, see `data_set.read_data_set`;
            None for a version without the list.
        batch_rows: Rows of the batch.
        waiting_rows: Rows of earlier batches that wait for a training, and that are not in the
            data set of the serving version.
    """

    workspace: Workspace
    batch: Batch
    batches: list[Batch]
    model: Path
    data_set: pa.Table | None
    batch_rows: list[BatchRow]
    waiting_rows: list[BatchRow]

    @classmethod
    def read(
        cls, batch: Batch, batches: list[Batch], model: Path, workspace: Workspace
    ) -> "TrainingSet":
        """Read the batch, the waiting batches, and the data set of the serving version.

        Args:
            batch: Batch that the retraining is for.
            batches: All batches of the ledger.
            model: Folder of the serving version.
            workspace: Workspace of the batches.
        """
        store = BatchStore(workspace.batches)
        data_set = read_data_set(model)
        waiting = [
            row
            for other in batches
            if other.state in WAITING and other.replaced_by is None and other.number != batch.number
            for row in store.read(other.digest)
        ]
        return cls(
            workspace=workspace,
            batch=batch,
            batches=batches,
            model=model,
            data_set=data_set,
            batch_rows=store.read(batch.digest),
            waiting_rows=_not_in(data_set, waiting),
        )

    def num_waiting(self) -> Counter[str]:
        """Return the number of labelled pictures in waiting batches by domain."""
        return Counter(row["domain"] for row in self.waiting_rows if row["label"])

    def new_rows(self, min_pictures: int) -> list[BatchRow]:
        """Return the rows that no version was trained on: those of the batch, and waiting ones.

        Waiting rows of a new domain with too few pictures are left out: on its one or two test
        pictures, a candidate and the baseline could not be told apart.

        Args:
            min_pictures: Number of labelled pictures that a new domain needs.
        """
        rows = _not_in(self.data_set, self.batch_rows)
        counts = Counter(row["domain"] for row in rows + self.waiting_rows if row["label"])
        known = _values(self.data_set, example_features.DOMAIN)
        return rows + [
            row
            for row in self.waiting_rows
            if row["domain"] in known or counts[row["domain"]] >= min_pictures
        ]

    def write(self, config: RunConfig, pseudo_labels: dict[str, str] | None = None) -> Snapshot:
        """Write the listing of the retraining.

        It holds the new pictures, and of every known domain all test pictures, so that the gate
        sees each of them, and the replay set: a sample of the training and eval pictures in which
        classes are balanced. The replay set does not depend on the batch. Replayed pictures keep
        their splits.

        Args:
            config: Configuration of the run.
            pseudo_labels: Predicted classes of unlabelled pictures to train on, by path.

        Raises:
            InputError: The serving version has no list of its pictures.
        """
        if self.data_set is None:
            raise InputError(
                f"{self.model} was pushed by an earlier version of carryover, without the list of "
                "its pictures. Run carryover run once."
            )
        pseudo_labels = pseudo_labels or {}
        new_rows = [
            _listing_row_of_batch(row, config, self.workspace, pseudo_labels)
            for row in self.new_rows(config.retrain.min_pictures)
            if row["label"] or "reason" in row or row["path"] in pseudo_labels
        ]
        replaced = {_folder(batch) for batch in self.batches if batch.replaced_by is not None}
        known_rows: list[DataSetRow] = self.data_set.to_pylist()
        known_rows = [row for row in known_rows if _folder_of(row) not in replaced]
        outside = _outside_window(self.batches, config.retrain)
        replayed = [
            _listing_row_of_data_set(row, self.workspace.root)
            for row in _replay_rows(known_rows, outside, config.retrain)
        ]
        snapshot = write_listing(
            replayed + new_rows, str(self.workspace.root), self.batch.name, self.workspace.inputs
        )
        return replace(snapshot, batch=self.batch.digest, new_folders=_batch_folders(new_rows))


def balanced_sample(rows: Iterable[DataSetRow], count: int) -> list[DataSetRow]:
    """Return a sample with equally many rows of every class, as far as there are.

    The digests of the files decide which rows are chosen, so a sample of more rows shares most of
    its rows with a sample of fewer rows.

    Args:
        rows: Rows of a data set.
        count: Size of the sample.
    """
    by_label: dict[str, list[DataSetRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["content"], row["location"])):
        by_label[row["label"]].append(row)
    # The first row of every class, then the second one of every class, and so on.
    ranked = [
        (rank, label, row)
        for label, label_rows in by_label.items()
        for rank, row in enumerate(label_rows)
    ]
    ranked.sort(key=lambda item: item[:2])
    return [row for _, _, row in ranked[:count]]


def _replay_rows(
    rows: list[DataSetRow], outside: set[bytes], options: RetrainOptions
) -> list[DataSetRow]:
    """Return all test pictures, and a sample of the other pictures of every domain.

    Args:
        rows: Rows of the data set of the serving version.
        outside: Folders whose pictures are not trained on again.
        options: Options; `replay_per_domain` is the size of the sample.
    """
    sizes = {
        "train": options.replay_per_domain,
        "eval": max(1, round(options.replay_per_domain * EVAL_SHARE)),
    }
    chosen = [row for row in rows if row["split"] == "test"]
    groups: dict[tuple[str, str], list[DataSetRow]] = defaultdict(list)
    for row in rows:
        if row["split"] != "test" and _folder_of(row) not in outside:
            groups[(row["split"], row["domain"])].append(row)
    for (split, _), group in sorted(groups.items()):
        chosen += balanced_sample(group, sizes[split])
    return chosen


def _not_in(data_set: pa.Table | None, rows: list[BatchRow]) -> list[BatchRow]:
    """Return the rows whose content is not in a data set."""
    contents = _values(data_set, "content")
    return [row for row in rows if bytes.fromhex(row["sha256"])[:DIGEST_BYTES] not in contents]


def _values(data_set: pa.Table | None, column: str) -> set[str | bytes]:
    return set() if data_set is None else set(data_set[column].to_pylist())


def _outside_window(batches: list[Batch], options: RetrainOptions) -> set[bytes]:
    """Return the folders of pushed batches that are older than `retrain.window` of them."""
    if options.window == "all":
        return set()
    pushed = [batch for batch in batches if batch.replaced_by is None and batch.version is not None]
    return {_folder(batch) for batch in pushed[: max(0, len(pushed) - options.window)]}


def _batch_folders(rows: list[ListingRow]) -> tuple[str, ...]:
    """Return the folders of the batches that rows are from, relative to the workspace."""
    return tuple(sorted({"/".join(row["path"].split("/", 2)[:2]) for row in rows}))


def _folder(batch: Batch) -> bytes:
    """Return the folder of a batch, as it begins locations in a data set."""
    return f"batches/{batch.digest}".encode()


def _folder_of(row: DataSetRow) -> bytes:
    """Return the first two parts of a location: the folder of its batch, if it has one."""
    return b"/".join(row["location"].split(b"/", 2)[:2])


def _listing_row_of_data_set(row: DataSetRow, root: Path) -> ListingRow:
    listed = ListingRow(
        path=os.fsdecode(row["location"]),
        domain=row["domain"],
        label=row["label"],
        bytes=0,
        modified=0,
        split=row["split"],
    )
    return _with_file_status(listed, root)


def _listing_row_of_batch(
    row: BatchRow, config: RunConfig, workspace: Workspace, pseudo_labels: dict[str, str]
) -> ListingRow:
    listed = ListingRow(
        path=row["path"],
        domain=row["domain"],
        label=row["label"],
        bytes=0,
        modified=0,
        **delivered_keys(row),
    )
    if row["path"] in pseudo_labels:
        listed["label"] = pseudo_labels[row["path"]]
        listed["split"] = "train"
    if config.split.group_by == "stem" and "group" not in listed:
        listed["group"] = PurePosixPath(row["name"]).stem  # the copy has another name
    return _with_file_status(listed, workspace.root)


def _with_file_status(row: ListingRow, root: Path) -> ListingRow:
    """Add size and time of the file, or the reason why it is unusable; return the row."""
    # A remote file is not looked up: the run reads it, and rejects it where that fails.
    if not is_uri(row["path"]) and "reason" not in row:
        add_file_status(row, locate(str(root), row["path"]))
    return row
