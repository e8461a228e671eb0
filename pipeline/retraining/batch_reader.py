"""Reads a batch, assesses it with the serving model, and decides what to do with it."""

from collections import Counter
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from components.pusher.version_store import VersionStore
from pipeline.config.run_config import RunConfig
from pipeline.logs.captured_output import captured_output
from pipeline.retraining.assessing.assessment import BatchAssessment, assess
from pipeline.retraining.assessing.assessment_text import describe_assessment
from pipeline.retraining.batch import Batch
from pipeline.retraining.batch_decision import BatchDecision, decide
from pipeline.retraining.deliveries.batch_store import BatchStore
from pipeline.retraining.deliveries.left_out_files import with_left_out
from pipeline.retraining.deliveries.process_deaths import ProcessDeaths
from pipeline.retraining.ledger import Ledger
from pipeline.retraining.unlabelled.arrived_labels import ArrivedLabels, read_labels
from pipeline.retraining.unlabelled.label_conflicts import with_conflicts
from pipeline.retraining.unlabelled.labels_since import readable_rows
from pipeline.retraining.unlabelled.unlabelled_plan import HeldOutCount
from pipeline.version_lookup import serving_version
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from pipeline.retraining.training_set import TrainingSet


class ReadBatch(NamedTuple):
    """A batch that was read.

    Attributes:
        pictures: The batch, and the pictures that wait for a training.
        assessment: Assessment with the serving model.
        decision: What to do with it.
        labels: Candidates that its labels decide on; then nothing is trained for it.
    """

    pictures: "TrainingSet"
    assessment: BatchAssessment
    decision: BatchDecision
    labels: ArrivedLabels


class BatchReader:
    """Reads batches of one workspace. Nothing is written."""

    def __init__(
        self,
        config: RunConfig,
        versions: VersionStore,
        ledger: Ledger,
        deaths: ProcessDeaths,
        log: Path,
    ) -> None:
        """Name what is read.

        Args:
            config: Configuration of the retraining.
            versions: Versions of the model.
            ledger: Ledger of the batches.
            deaths: Counts of the processes that died while they read a batch.
            log: Log file for the messages of TensorFlow and Beam.
        """
        self._config = config
        self._workspace = Workspace(config.workspace)
        self._versions = versions
        self._ledger = ledger
        self._deaths = deaths
        self._log = log
        self._kept: tuple[object, TrainingSet] | None = None

    def pictures(self, batch: Batch) -> "TrainingSet":
        """Read a batch and the pictures that wait for a training.

        What was read last is kept: a batch that was looked at because of a candidate is processed
        next, and is not read again unless a batch or the serving version has changed.

        Args:
            batch: Batch in the ledger.
        """
        with captured_output(self._log):
            from pipeline.retraining.training_set import TrainingSet  # it imports TFX

        version = serving_version(self._versions)
        self._versions.check_files(version)
        batches, validation = self._ledger.batches(), self._config.validation
        key = (batch, batches, version)
        if self._kept is None or self._kept[0] != key:
            model = self._versions.path(version)
            pictures = TrainingSet.read(batch, batches, model, self._workspace, validation)
            self._kept = (key, pictures)
        return self._kept[1]

    def read(self, batch: Batch) -> ReadBatch:
        """Read a batch, assess it with the serving model, and decide what to do with it.

        Args:
            batch: Batch in the ledger.
        """
        with self._deaths.reading(batch.digest):
            pictures = self.pictures(batch)
            self._kept = None  # a training needs the memory
            return self._decide(batch, pictures)

    def gives_labels_for(self, batch: Batch, awaiting: Batch) -> bool:
        """Return whether the labels of a batch decide on a candidate, and are all that it brings.

        Args:
            batch: Open batch.
            awaiting: Batch whose candidate awaits labels.
        """
        rows = readable_rows(batch, BatchStore(self._workspace.batches))
        labelled = {row["domain"] for row in rows if row["label"]}
        if labelled.isdisjoint(awaiting.awaited_domains):
            return False
        try:
            with self._deaths.reading(batch.digest):
                pictures = self.pictures(batch)
                return bool(read_labels(batch, [awaiting], pictures, self._config).answered)
        except Exception:
            return False  # when it is processed, it is told what is wrong with it

    def _count_held_out(self, pictures: "TrainingSet") -> dict[str, HeldOutCount]:
        """Return how many unlabelled pictures of the batch are not trained on, by domain."""
        from pipeline.retraining.unlabelled.held_out_pictures import rows_to_test_with

        held_out = pictures.held_out(self._config)
        testing = rows_to_test_with(
            chain.from_iterable(held_out.values()), pictures.listing_rows(self._config)
        )
        counts = Counter(row["domain"] for row in testing)
        return {name: HeldOutCount(len(rows), counts[name]) for name, rows in held_out.items()}

    def _decide(self, batch: Batch, pictures: "TrainingSet") -> ReadBatch:
        options = self._config.retrain
        version = serving_version(self._versions)
        with captured_output(self._log):
            model, count = self._versions.path(version), options.assessed_per_domain
            assessment = assess(pictures.assessed_rows(), model, count)
        domains = self._versions.read_push(version).domains
        accuracies = {name: metrics["accuracy"] for name, metrics in domains.items()}
        held_out = {}
        if options.unlabelled == "always" and assessment.has_unlabelled:
            held_out = self._count_held_out(pictures)
        waiting = pictures.num_waiting()
        decision = decide(
            assessment,
            waiting,
            accuracies,
            options,
            bool(batch.accepted),
            self._config.validation,
            held_out,
            pictures.waiting_accuracies(),
            pictures.num_disputed(),
        )
        labels = ArrivedLabels()
        if decision.outcome != "held" and not decision.unverified:
            labels = read_labels(batch, self._ledger.batches(), pictures, self._config)
            numbers = describe_assessment(assessment, waiting)
            decision = labels.decision(numbers) or decision
        reason = with_left_out(decision.reason, pictures.delivered, batch.source)
        reason = with_conflicts(reason, pictures.conflicts, batch.name)
        return ReadBatch(pictures, assessment, replace(decision, reason=reason), labels)
