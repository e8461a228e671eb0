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
from pipeline.retraining.batch import Batch
from pipeline.retraining.batch_decision import BatchDecision, decide
from pipeline.retraining.deliveries.left_out_files import with_left_out
from pipeline.retraining.deliveries.process_deaths import ProcessDeaths
from pipeline.retraining.ledger import Ledger
from pipeline.retraining.unlabelled.awaiting_candidates import answered_batches
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
        answered: Batches whose candidates its labels decide on; then nothing is trained for it.
    """

    pictures: "TrainingSet"
    assessment: BatchAssessment
    decision: BatchDecision
    answered: list[Batch]


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

    def pictures(self, batch: Batch) -> "TrainingSet":
        """Read a batch and the pictures that wait for a training.

        Args:
            batch: Batch in the ledger.
        """
        with captured_output(self._log):
            from pipeline.retraining.training_set import TrainingSet  # it imports TFX

        version = serving_version(self._versions)
        self._versions.check_files(version)
        batches, validation = self._ledger.batches(), self._config.validation
        return TrainingSet.read(
            batch, batches, self._versions.path(version), self._workspace, validation
        )

    def read(self, batch: Batch) -> ReadBatch:
        """Read a batch, assess it with the serving model, and decide what to do with it.

        Args:
            batch: Batch in the ledger.
        """
        with self._deaths.reading(batch.digest):
            pictures = self.pictures(batch)
            return self._decide(batch, pictures)

    def gives_labels_for(self, batch: Batch, awaiting: Batch) -> bool:
        """Return whether the labels of a batch decide on a candidate, and are all that it brings.

        Args:
            batch: Open batch.
            awaiting: Batch whose candidate awaits labels.
        """
        try:
            with self._deaths.reading(batch.digest):
                pictures = self.pictures(batch)
                return bool(answered_batches(batch, [awaiting], pictures, self._config))
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
        decision = decide(
            assessment,
            pictures.num_waiting(),
            accuracies,
            options,
            bool(batch.accepted),
            self._config.validation,
            held_out,
            pictures.waiting_accuracies(),
        )
        answered = []
        if decision.outcome != "held" and not decision.unverified:
            answered = answered_batches(batch, self._ledger.batches(), pictures, self._config)
        if answered:
            names = ", ".join(one.name for one in answered)
            decision = BatchDecision(
                "labels_used", f"{decision.reason}; the labels decide on the candidate of {names}"
            )
        reason = with_left_out(decision.reason, pictures.delivered, batch.source)
        return ReadBatch(pictures, assessment, replace(decision, reason=reason), answered)
