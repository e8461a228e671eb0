"""One pass over the inbox: copy, assess, decide, train, and write the outcome to the ledger."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from components.pusher.version_store import VersionStore
from pipeline.beam.beam_runner_check import check_beam_runner
from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot
from pipeline.logs.captured_output import captured_output
from pipeline.retraining.assessment import BatchAssessment, assess
from pipeline.retraining.batch_decision import BatchDecision, decide, pseudo_labels
from pipeline.retraining.batch_store import BatchChangedError, BatchRow, BatchStore, StoredBatch
from pipeline.retraining.inbox import (
    READY,
    Delivery,
    configured_inbox,
    file_stamp,
    find_deliveries,
)
from pipeline.retraining.ledger import OPEN, Batch, BatchState, Ledger
from pipeline.retraining.notices import Notices
from pipeline.running.join_command import prepare_chief
from pipeline.running.local_run import run_snapshot
from pipeline.running.run_failure import RunFailedError
from pipeline.summary.summary_schema import Summary
from pipeline.version_lookup import serving_version
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError

EXIT_DONE, EXIT_FAILED, EXIT_REJECTED = 0, 1, 3

#: Exit codes by the state of a processed batch; 0 for all other states.
EXIT_CODES: dict[BatchState, int] = {
    OPEN: EXIT_FAILED,
    "failed": EXIT_FAILED,
    "rejected": EXIT_REJECTED,
}

#: Runs the pipeline over a listing, see `run_snapshot`.
RunFunction = Callable[[RunConfig, Workspace, Snapshot], Summary]


@dataclass(frozen=True)
class BatchResult:
    """Result of processing one batch.

    Attributes:
        state: New state of the batch; `OPEN` if the next pass retries it.
        reason: Reason for the state, a text for people.
        columns: Further columns of the ledger, which are part of the event, too.
    """

    state: BatchState
    reason: str
    columns: Mapping[str, str | int | None] = field(default_factory=dict)


class RetrainingPass:
    """One pass over the inbox.

    One batch is one decision, and at most one run and one version, so that it is known from which
    batch a version is. A batch that a killed pass left open is processed by the next pass.
    """

    def __init__(
        self,
        config: RunConfig,
        notices: Notices,
        console: Console | None = None,
        run: RunFunction = run_snapshot,
    ) -> None:
        """Open the ledger of the workspace.

        Args:
            config: Configuration, see `retraining_commands.read_config`.
            notices: Receivers of events.
            console: Console for texts to people, by default on stdout.
            run: Function that runs the pipeline over a listing.

        Raises:
            InputError: No inbox is configured, or a newer carryover has written the ledger.
        """
        self._config = config
        self._inbox = configured_inbox(config.retrain)
        self._workspace = Workspace(config.workspace)
        self._versions = VersionStore(config.workspace, config.name)
        self._batches = BatchStore(self._workspace.batches)
        self._ledger = Ledger(config.workspace)
        self._notices = notices
        self._console = console or Console()
        self._run_pipeline = run
        # TensorFlow and Beam print messages when they are imported.
        self._log = self._workspace.log("retrain")

    def run(self) -> int:
        """Add every complete delivery to the ledger, and process all open batches.

        Returns:
            Exit code: 1 when a run failed, else 3 when a candidate was rejected, else 0.

        Raises:
            InputError: The inbox is unreadable, the Beam runner or the workspace is unavailable, or
                this process is not the chief.
        """
        # Before a batch is added: without a runner, every batch would fail.
        check_beam_runner(self._config.beam)
        with self._workspace.lock():
            prepare_chief(self._workspace)
            try:
                for delivery in find_deliveries(self._inbox, self._config.retrain.quiet_seconds):
                    self._take(delivery)
            finally:
                # Open batches are in the batch store, so an unreadable inbox does not concern them.
                codes = [self._process(batch) for batch in self._open_batches()]
            if not codes:
                self._print(f"nothing to do in {self._inbox}")
        return next((code for code in (EXIT_FAILED, EXIT_REJECTED) if code in codes), EXIT_DONE)

    def preview(self) -> None:
        """Print what a pass would do with every delivery, and why. Nothing is changed.

        Raises:
            InputError: The inbox is unreadable, or there is no serving version.
        """
        for delivery in find_deliveries(self._inbox, self._config.retrain.quiet_seconds):
            if self._ledger.contains(delivery.name, file_stamp(delivery.path)):
                continue
            if not delivery.complete:
                self._print(f"{delivery.name}: incomplete: it has no {READY}, and changed lately")
                continue
            with tempfile.TemporaryDirectory(prefix="carryover-") as folder:
                root = Path(folder)
                store = BatchStore(root / "batches")
                with captured_output(self._log):
                    stored = store.add(delivery)
                _, decision = self._decide(store.read(stored.digest), root, {})
            self._print(f"{delivery.name}: {decision.outcome}: {decision.reason}")

    def _open_batches(self) -> list[Batch]:
        return [batch for batch in self._ledger.batches() if batch.state == OPEN]

    def _take(self, delivery: Delivery) -> None:
        """Copy a delivery and add it to the ledger, if it is complete and not in the ledger."""
        if not delivery.complete:
            self._print(f"{delivery.name}: the batch is not complete yet")
            return
        stored = self._copy(delivery)
        if stored is None:
            return
        batch = self._ledger.add(delivery.name, str(delivery.path), stored.digest, stored.stamp)
        if batch is None:
            return
        self._notices.send("taken", batch=batch.name, number=batch.number, state=batch.state)
        if stored.fault:
            self._finish(batch, BatchResult("held", stored.fault))
        elif batch.state != OPEN:
            self._print(f"{batch.name}: {batch.state}: {batch.reason}")

    def _copy(self, delivery: Delivery) -> StoredBatch | None:
        """Copy a delivery; return None if it is in the ledger, or cannot be copied now."""
        try:
            stamp = file_stamp(delivery.path)
            if self._ledger.contains(delivery.name, stamp):
                return None
            try:
                with captured_output(self._log):
                    return self._batches.add(delivery)
            except InputError as error:
                # An unreadable manifest has no content that could identify it.
                return StoredBatch(digest=stamp, stamp=stamp, fault=str(error))
        except BatchChangedError:
            problem = "the batch changed while it was copied; the next pass copies it again"
        except FileNotFoundError:
            problem = "the batch was removed while it was copied"
        self._print(f"{delivery.name}: {problem}")
        return None

    def _process(self, batch: Batch) -> int:
        """Process an open batch, and write the result to the ledger; return an exit code."""
        result = self._result(batch)
        if result.state == OPEN:
            self._ledger.update(batch.number, reason=result.reason, **result.columns)
            self._print(f"{batch.name}: {result.reason}; the next pass retries it")
            self._notices.send("failed", batch=batch.name, reason=result.reason, gives_up=False)
        else:
            self._finish(batch, result)
        return EXIT_CODES.get(result.state, EXIT_DONE)

    def _result(self, batch: Batch) -> BatchResult:
        version = self._versions.find_batch(batch.digest)
        if version is not None:  # a killed pass pushed it, and could not write that to the ledger
            return BatchResult("pushed", f"version {version}", {"version": version})
        try:
            return self._decide_and_train(batch)
        except InputError as error:
            return BatchResult("held", str(error))
        except (RunFailedError, OSError) as error:
            attempts = batch.attempts + 1
            gives_up = attempts >= self._config.retrain.attempts
            state: BatchState = "failed" if gives_up else OPEN
            return BatchResult(state, str(error), {"attempts": attempts})

    def _decide_and_train(self, batch: Batch) -> BatchResult:
        with captured_output(self._log):
            from pipeline.retraining.training_set import TrainingSet  # it imports TFX

        model = self._versions.path(serving_version(self._versions))
        pictures = TrainingSet.read(batch, self._ledger.batches(), model, self._workspace)
        assessment, decision = self._decide(
            pictures.batch_rows, self._workspace.root, pictures.num_waiting()
        )
        self._ledger.update(batch.number, numbers=assessment.numbers())
        if decision.outcome != "retrain":
            return BatchResult(decision.outcome, decision.reason)
        self._print(f"{batch.name}: retrain: {decision.reason}")
        self._notices.send(
            "retraining", batch=batch.name, number=batch.number, reason=decision.reason
        )
        labels = pseudo_labels(assessment, self._config.retrain)
        snapshot = pictures.write(self._config, labels)
        return _result_of(self._run_pipeline(self._config, self._workspace, snapshot))

    def _decide(
        self, rows: list[BatchRow], root: Path, waiting: Mapping[str, int]
    ) -> tuple[BatchAssessment, BatchDecision]:
        """Assess a batch with the serving model, and decide what to do with it.

        Args:
            rows: Rows of the batch.
            root: Folder that their paths are relative to.
            waiting: Number of labelled pictures by domain in waiting batches.
        """
        options = self._config.retrain
        version = serving_version(self._versions)
        model = self._versions.path(version)
        with captured_output(self._log):
            assessment = assess(
                rows, root, model, options.assessed_per_domain, options.self_training
            )
        domains = self._versions.read_push(version).domains
        accuracies = {name: metrics["accuracy"] for name, metrics in domains.items()}
        return assessment, decide(assessment, waiting, accuracies, options)

    def _finish(self, batch: Batch, result: BatchResult) -> None:
        """Write the final state of a batch to the ledger, send the event, and print it."""
        self._ledger.finish(batch.number, result.state, result.reason, **result.columns)
        self._notices.send(
            result.state,
            batch=batch.name,
            number=batch.number,
            reason=result.reason,
            **result.columns,
        )
        self._print(f"{batch.name}: {result.state}: {result.reason}")

    def _print(self, text: str) -> None:
        self._console.print(escape(text), highlight=False, soft_wrap=True)


def _result_of(summary: Summary) -> BatchResult:
    """Return the result of a batch from the summary of its run."""
    columns = {"run_id": summary.run_id, "version": summary.pushed_version}
    if summary.status == "pushed":
        return BatchResult("pushed", describe_change(summary), columns)
    return BatchResult("rejected", "; ".join(summary.reasons), columns)


def describe_change(summary: Summary) -> str:
    """Return what a version changed: the domain that gained most, and the one that lost most."""
    changes = {
        name: domain.accuracy - domain.baseline_accuracy
        for name, domain in summary.domains.items()
        if domain.baseline_accuracy is not None
    }
    if not changes:
        return f"version {summary.pushed_version}"
    most, least = (pick(changes, key=changes.__getitem__) for pick in (max, min))
    texts = [f"'{name}' {changes[name]:+.3f}" for name in dict.fromkeys((most, least))]
    return f"{' to '.join(texts)}, mean {summary.mean_domain_accuracy:.3f}"
