"""What labels decide: which pictures to label, and the listing of the run that decides."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from components.pusher.version_store import VersionStore
from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot
from pipeline.logs.captured_output import captured_output
from pipeline.retraining.batch import AWAITING, OPEN, Batch
from pipeline.retraining.deliveries.batch_store import BatchRow, BatchStore
from pipeline.retraining.deliveries.process_deaths import DIED, MAX_DEATHS, ProcessDeaths
from pipeline.retraining.ledger import Ledger
from pipeline.retraining.unlabelled.arrived_labels import ArrivedLabels
from pipeline.retraining.unlabelled.awaiting_candidates import (
    CandidateGoneError,
    StoredCandidate,
    deciding_rows,
    deciding_snapshot,
)
from pipeline.retraining.unlabelled.label_conflicts import CONTRADICTED, with_conflicts
from pipeline.retraining.unlabelled.labels_since import readable_rows
from pipeline.retraining.unlabelled.pictures_to_label import PER_DOMAIN, write_pictures_to_label
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from pipeline.retraining.training_set import TrainingSet


def use_labels(
    ledger: Ledger, pictures: "TrainingSet", labels: ArrivedLabels, since: str | None = None
) -> None:
    """Open batches again on whose candidates the labels of another batch decide.

    Batches that waited because their labels were too few are noted as used: they decide, too.

    Args:
        ledger: Ledger of the batches.
        pictures: Pictures of the batch with the labels, and those that wait for a training.
        labels: What these labels are for.
        since: Why labels that waited decide now; None where the batch brought more of them.
    """
    from pipeline.retraining.pictures.picture_updates import content_of, is_usable

    opened = since or f"{pictures.batch.name} has its labels"
    changes = {one.number: {"state": OPEN, "reason": opened} for one in labels.answered}
    domains = {name for one in labels.answered for name in one.awaited_domains}
    contents = {
        content_of(row)
        for rows in pictures.newest.new.values()
        for row in rows
        if is_usable(row) and row["label"] and row["domain"] in domains
    } - pictures.conflicts.keys()
    store = BatchStore(pictures.workspace.batches)
    for one in pictures.batches:
        if one.state == "too_little_data" and any(
            row["label"] and is_usable(row) and content_of(row) in contents
            for row in readable_rows(one, store)
        ):
            then = f": {since or f'{pictures.batch.name} brought them'}"
            reason = with_conflicts(one.reason, pictures.conflicts, one.name, then)
            changes[one.number] = {"state": "labels_used", "reason": reason}
    # Together: a kill between them would leave labels that wait for ever.
    ledger.update_all(changes)


def note_conflicts(ledger: Ledger, pictures: "TrainingSet") -> None:
    """Write to the batches with labels which of them other batches contradict now.

    What a batch that waits says of contradictions already is left to `open_settled`, which decides
    on the batch again where that has changed.

    Args:
        ledger: Ledger of the batches.
        pictures: Pictures of a batch, and those that wait for a training.
    """
    for one in pictures.batches:
        is_left = one.state == "too_little_data" and CONTRADICTED in one.reason
        has_labels = one.state in ("too_little_data", "labels_used")
        if is_left or not has_labels or one.number == pictures.batch.number:
            continue
        reason = with_conflicts(one.reason, pictures.conflicts, one.name)
        if reason != one.reason and one.replaced_by is None:
            ledger.update(one.number, reason=reason)


class LabelDecision:
    """Decides on candidates for domains without a label, by labels that arrive later."""

    def __init__(
        self, config: RunConfig, versions: VersionStore, deaths: ProcessDeaths, log: Path
    ) -> None:
        """Name what is decided on.

        Args:
            config: Configuration of the retraining.
            versions: Versions of the model.
            deaths: Counts of the processes that died while they read a batch.
            log: Log file for the messages of TensorFlow.
        """
        self._config = config
        self._deaths = deaths
        self._workspace = Workspace(config.workspace)
        self._versions = versions
        self._log = log

    def pictures_to_label(
        self, pictures: "TrainingSet", unverified: Collection[str]
    ) -> dict[str, tuple[str, ...]]:
        """Write the pictures whose labels decide on the candidate of a batch.

        Args:
            pictures: Pictures of the batch.
            unverified: Domains of the batch in which no picture has a label.

        Returns:
            Their names in the delivery, by domain; no names where candidates are pushed without
            labels.
        """
        from pipeline.retraining.unlabelled.held_out_pictures import rows_to_test_with

        options = self._config.retrain
        if not unverified or options.unverified == "push":
            return dict.fromkeys(unverified, ())
        with captured_output(self._log):
            held_out = pictures.held_out(self._config)
            rows = chain.from_iterable(held_out[name] for name in unverified)
            testing: dict[str, list[BatchRow]] = {name: [] for name in unverified}
            for row in rows_to_test_with(rows, pictures.listing_rows(self._config)):
                testing[row["domain"]].append(row)
            return write_pictures_to_label(
                testing,
                max(PER_DOMAIN, options.min_pictures),
                options.min_pictures,
                self._workspace.root,
                pictures.model,
                self._workspace.to_label / pictures.batch.digest,
            )

    def snapshot(self, pictures: "TrainingSet") -> Snapshot | None:
        """Return the listing of the run that decides on the candidate of a batch.

        Args:
            pictures: Pictures of the batch, and those that wait for a training.

        Returns:
            None where labels are missing.

        Raises:
            CandidateGoneError: The candidate cannot be decided on any more.
        """
        candidate = StoredCandidate.find(pictures.batch, self._workspace, self._versions)
        rows = deciding_rows(candidate.domains, pictures, self._config, candidate)
        if not self._are_enough(rows, candidate.domains):
            return None
        return deciding_snapshot(candidate, rows, pictures, self._config)

    def open_decided(
        self,
        ledger: Ledger,
        read: Callable[[Batch], "TrainingSet"],
        tell: Callable[[Batch, Exception], None],
        suspects: bool = False,
    ) -> None:
        """Open batches again on whose candidates labels decide that have waited.

        They do once a batch that contradicted them was corrected, or fewer labels are asked for.

        Args:
            ledger: Ledger of the batches.
            read: Reads the pictures of a batch, and those that wait for a training.
            tell: Tells a person that a batch cannot be read: its candidate waits for the next pass.
            suspects: Whether to look at the batches in which a process died, and at no others.
        """
        batches = ledger.batches()
        for batch in batches:
            num_deaths = self._deaths.count(batch.digest)
            if not suspects and self._is_superseded(batch):
                reason = "the serving version was trained on labels of its domains"
                numbers = batch.numbers_without_candidate()
                ledger.update(batch.number, state=OPEN, reason=reason, numbers=numbers)
                continue
            if not batch.awaits_waiting_labels(batches) or bool(num_deaths) != suspects:
                continue
            if num_deaths >= MAX_DEATHS:  # as an open batch, it fails with this reason
                ledger.update(batch.number, state=OPEN, reason=DIED)
                continue
            try:
                with self._deaths.reading(batch.digest):
                    pictures = read(batch)
                    labels = self._waiting_labels(pictures)
            except Exception as error:  # other batches are taken
                tell(batch, error)
                continue
            note_conflicts(ledger, pictures)
            use_labels(ledger, pictures, labels, since="they are enough now")
        if not suspects:
            self._open_settled(ledger, read, tell)

    def _open_settled(
        self,
        ledger: Ledger,
        read: Callable[[Batch], "TrainingSet"],
        tell: Callable[[Batch, Exception], None],
    ) -> None:
        """Open a batch again whose labels are contradicted no more, or by other batches.

        Without a candidate that awaits them, nothing else would decide on labels that wait. Where
        a batch is open, that one comes first: the labels may be trained on with it.
        """
        batches = ledger.batches()
        if any(one.state == OPEN for one in batches):
            return
        # The rows of a batch are those that count where what replaces it is a copy of another one.
        copies = {None, *(one.number for one in batches if one.state == "duplicate")}
        for batch in reversed(batches):
            is_contradicted = batch.state == "too_little_data" and CONTRADICTED in batch.reason
            counts = batch.replaced_by in copies and not self._deaths.count(batch.digest)
            if not is_contradicted or not counts:
                continue
            try:
                with self._deaths.reading(batch.digest):
                    pictures = read(batch)
            except Exception as error:  # other batches are taken
                tell(batch, error)
                continue
            reason = with_conflicts(batch.reason, pictures.conflicts, batch.name)
            if reason == batch.reason:
                continue
            if any(row["label"] for row in pictures.newest.new[batch.number]):
                ledger.update(batch.number, state=OPEN, reason=reason)
                return
            ledger.update(batch.number, reason=reason)  # a version was trained on its pictures

    def _is_superseded(self, batch: Batch) -> bool:
        """Return whether nothing can decide on an awaiting candidate, or has to.

        Another version serves, or its files are gone, and the serving version was tested on labels
        of its domains. What is left of the batch is trained on, or waits, like any other.
        """
        if batch.state != AWAITING or batch.replaced_by is not None:
            return False
        try:
            StoredCandidate.find(batch, self._workspace, self._versions)
        except CandidateGoneError:
            serving = self._versions.newest()
            tested = self._versions.read_push(serving).domains if serving else {}
            return all(name in tested for name in batch.awaited_domains)
        return False

    def _waiting_labels(self, pictures: "TrainingSet") -> ArrivedLabels:
        """Return what the labels that have waited are for.

        A candidate that is gone is trained again with them, as with labels that arrive.
        """
        try:
            candidate = StoredCandidate.find(pictures.batch, self._workspace, self._versions)
        except CandidateGoneError:
            candidate = None
        domains = pictures.batch.awaited_domains
        rows = deciding_rows(domains, pictures, self._config, candidate)
        answered = [pictures.batch] if self._are_enough(rows, domains) else []
        return ArrivedLabels(answered)

    def _are_enough(self, rows: list[BatchRow], domains: Iterable[str]) -> bool:
        counts = Counter(row["domain"] for row in rows)
        return all(counts[name] >= self._config.retrain.min_pictures for name in domains)
