"""One pass over the inbox: copy, assess, decide, train, and write the outcome to the ledger."""

from collections.abc import Callable, Collection
from dataclasses import replace

from rich.console import Console

from components.pusher.version_store import VersionStore
from pipeline.beam.beam_runner_check import check_beam_runner
from pipeline.config.path_check import check_weights
from pipeline.config.run_config import RunConfig
from pipeline.inputs.layouts.layout import batch_layout
from pipeline.inputs.snapshot import Snapshot
from pipeline.logs.captured_output import captured_output
from pipeline.logs.command_log import CommandLog
from pipeline.publishing.publish_at_end import published_at_end
from pipeline.retraining.batch import AWAITING, OPEN, Batch, pass_exit_code
from pipeline.retraining.batch_decision import BatchDecision, BatchResult
from pipeline.retraining.batch_reader import BatchReader
from pipeline.retraining.begun_training import BegunTraining
from pipeline.retraining.deliveries.batch_store import BatchStore
from pipeline.retraining.deliveries.delivery_faults import DeliveryGuard
from pipeline.retraining.deliveries.delivery_intake import DeliveryIntake, describe_dropped
from pipeline.retraining.deliveries.inbox import configured_inbox
from pipeline.retraining.deliveries.intake_report import IntakeReport
from pipeline.retraining.deliveries.left_alone_files import LeftAloneFiles
from pipeline.retraining.deliveries.process_deaths import DIED, MAX_DEATHS, ProcessDeaths
from pipeline.retraining.ledger import Ledger
from pipeline.retraining.notices import Notices
from pipeline.retraining.result_writer import ResultWriter
from pipeline.retraining.unlabelled.awaiting_candidates import CandidateGoneError
from pipeline.retraining.unlabelled.label_commands import label_and_retrain
from pipeline.retraining.unlabelled.label_conflicts import with_conflicts
from pipeline.retraining.unlabelled.label_decision import (
    LabelDecision,
    note_conflicts,
    use_labels,
)
from pipeline.retraining.workspace_copy import workspace_copy
from pipeline.running.boundary_check import check_boundary
from pipeline.running.join_command import prepare_chief
from pipeline.running.local_run import run_snapshot
from pipeline.running.run_failure import logged_reason
from pipeline.summary.summary_schema import Summary
from pipeline.terminal.safe_console import SafeConsole, plain
from pipeline.workspace import Workspace
from trainer_module.contract.errors import DataError, InputError

#: Runs the pipeline over a listing, see `run_snapshot`. None where its components run elsewhere:
#: then the pass ends, and others write the result of the batch.
RunFunction = Callable[[RunConfig, Workspace, Snapshot], Summary | None]


class RetrainingPass:
    """One pass over the inbox.

    One batch is one decision, and at most one run and one version, so that it is known from which
    batch a version is. A batch that a killed pass left open is processed by the next pass.

    Attributes:
        begun: Training that the pass has begun and that runs elsewhere; None without one.
    """

    def __init__(
        self,
        config: RunConfig,
        notices: Notices,
        console: Console | None = None,
        run: RunFunction = run_snapshot,
        command_log: CommandLog | None = None,
    ) -> None:
        """Open the ledger of the workspace.

        Args:
            config: Configuration, see `retraining_commands.read_config`.
            notices: Receivers of events.
            console: Console for texts to people, by default on stdout.
            run: Function that runs the pipeline over a listing.
            command_log: Log for tracebacks, by default `logs/retrain.log` in the workspace.

        Raises:
            InputError: No inbox is configured, or a newer carryover has written the ledger.
        """
        self._config = config
        self._inbox = configured_inbox(config.retrain)
        self._workspace = Workspace(config.workspace)
        self._versions = VersionStore(config.workspace, config.name)
        folder, layout = self._workspace.batches, batch_layout(config)
        self._batches = BatchStore(folder, layout, config.max_file_bytes, config.slice_columns)
        self._deaths = ProcessDeaths(self._workspace.batches)
        self._ledger = Ledger(config.workspace, config.name)
        self.begun: BegunTraining | None = None
        self._console = console or SafeConsole()
        self._writer = ResultWriter(config, self._ledger, notices, self._print)
        self._report = IntakeReport(self._print, notices, LeftAloneFiles(self._workspace.batches))
        self._run_pipeline = run
        self._reopened: set[int] = set()
        self._command_log = command_log or CommandLog("retrain", config.workspace)
        # TensorFlow and Beam print messages when they are imported.
        self._log = self._workspace.log("retrain")
        self._reader = BatchReader(config, self._versions, self._ledger, self._deaths, self._log)
        self._label_decision = LabelDecision(config, self._versions, self._deaths, self._log)
        guard = DeliveryGuard(self._log, self._command_log)
        self._intake = DeliveryIntake(
            config.retrain, self._ledger, self._batches, self._versions, guard, self._deaths
        )

    def run(self, is_quiet: bool = False) -> int:
        """Add every complete delivery to the ledger, and process all open batches.

        Args:
            is_quiet: Whether nothing is printed where there is nothing to do.

        Returns:
            Exit code: 1 when a run failed, else 2 when the config is to blame that a batch stays
            open, else 3 when a candidate was rejected, else 4 when one awaits labels, else 0.

        Raises:
            InputError: The inbox is unreadable, the Beam runner, the file of weights or the
                workspace is unavailable, or this process is not the chief.
        """
        # Before a batch is added: without a runner or the weights, every batch would fail.
        check_beam_runner(self._config.beam)
        check_weights(self._config)
        publish = self._config.publish
        publishing = published_at_end(publish, self._versions, self._log, self._print)
        with publishing, self._workspace.lock():
            prepare_chief(self._workspace)
            try:
                is_told = self._report.tell(self._intake.take_all())
                is_told |= self._report.tell_left_alone(self._inbox)
            finally:
                # Open batches are in the batch store, so an unreadable inbox does not concern them.
                codes = self._process_all()
            # All else is done: what ended a process before may do it again.
            is_told |= self._report.tell(self._intake.take_suspects())
            codes |= self._process_all(codes, with_suspects=True)
            if not is_quiet and not codes and not is_told and not self.begun:
                dropped = describe_dropped(self._ledger, self._inbox)
                self._print(f"nothing to do in {self._inbox}{dropped}")
        return pass_exit_code(codes.values())

    def preview(self) -> None:
        """Print what a pass would do with every delivery, and why. Nothing is changed.

        Raises:
            InputError: The inbox is unreadable, or there is no serving version.
        """
        with workspace_copy(self._workspace) as copy:
            config = self._config.model_copy(update={"workspace": copy.root})
            console, log = self._console, self._command_log
            RetrainingPass(config, Notices(), console, command_log=log)._preview()

    def _preview(self) -> None:
        self._report.tell(self._intake.take_all())
        self._report.tell(self._intake.take_suspects())
        self._report.tell_left_alone(self._inbox)
        self._open_decided(suspects=False)
        self._open_decided(suspects=True)
        for batch in self._open_batches():
            if batch.has_awaiting_candidate and self._num_deaths(batch) < MAX_DEATHS:
                self._print(f"{batch.name}: labels decide on the candidate of run {batch.run_id}")
                continue
            result = self._foresee(batch)
            self._print(f"{batch.name}: {result.outcome}: {result.reason}")
            if result.outcome != "retrain":
                self._ledger.finish(batch.number, result.outcome, result.reason)

    def _foresee(self, batch: Batch) -> BatchDecision:
        if self._num_deaths(batch) >= MAX_DEATHS:
            return BatchDecision("failed", DIED)
        try:
            return self._reader.read(batch).decision
        except DataError as error:
            return BatchDecision("held", str(error))
        except InputError:
            raise
        except Exception as error:
            return BatchDecision("failed", logged_reason(error, self._command_log))

    def _open_batches(self) -> list[Batch]:
        return [batch for batch in self._ledger.batches() if batch.state == OPEN]

    def _process_all(
        self, done: Collection[int] = (), with_suspects: bool = False
    ) -> dict[int, int]:
        """Process open batches, by default without suspects, in which a process died.

        Args:
            done: Numbers of batches that this pass has processed.
            with_suspects: Whether to process suspects, after all others.

        Returns:
            Exit codes by number of the batch.
        """
        self._open_decided(with_suspects)
        codes: dict[int, int] = {}
        while not self.begun and (batch := self._next_batch({*done, *codes}, with_suspects)):
            if result := self._result(batch):
                self._writer.write(batch, result)
                codes[batch.number] = result.exit_code
        return codes

    def _open_decided(self, suspects: bool) -> None:
        """Open batches again on whose candidates labels decide that have waited."""

        def tell(batch: Batch, error: Exception) -> None:
            reason = logged_reason(error, self._command_log)
            awaits = batch.has_awaiting_candidate
            what = "labels wait that decide on its candidate" if awaits else "its labels wait"
            self._print(f"{batch.name}: {what}: {reason}")

        read = self._reader.pictures
        self._label_decision.open_decided(self._ledger, read, tell, suspects)

    def _next_batch(self, done: Collection[int], with_suspects: bool) -> Batch | None:
        """Return the next open batch.

        Labels may have opened one again that comes before others: but not before further batches
        whose labels decide on the same candidate.
        """
        batches = sorted(self._open_batches(), key=self._num_deaths)
        todo = [
            batch
            for batch in batches
            if batch.number not in done or batch.number in self._reopened
            if with_suspects or not self._num_deaths(batch)
        ]
        batch = next((batch for batch in todo if not self._has_labels_to_come(batch, todo)), None)
        self._reopened.discard(batch.number if batch else 0)
        return batch

    def _has_labels_to_come(self, batch: Batch, others: Collection[Batch]) -> bool:
        return batch.has_awaiting_candidate and any(
            self._reader.gives_labels_for(one, batch)
            for one in others
            if not one.has_awaiting_candidate
        )

    def _num_deaths(self, batch: Batch) -> int:
        return self._deaths.count(batch.digest)

    def _result(self, batch: Batch) -> BatchResult | None:
        """Process an open batch; None where its training runs elsewhere."""
        known = {other.version for other in self._ledger.batches()}
        is_first = self._ledger.of_digest(batch.digest)[0].number == batch.number
        since = "" if is_first else batch.taken_at
        version = self._versions.find_batch(batch.digest, known, since)
        if version is not None:  # a killed pass pushed it, and could not write that to the ledger
            run_id = self._versions.read_any(version).run_id
            text = f"version {version}"
            return BatchResult("pushed", text, {"version": version, "run_id": run_id})
        if self._num_deaths(batch) >= MAX_DEATHS:
            self._deaths.clear(batch.digest)  # delivered again, it is read again
            return BatchResult("failed", DIED)
        try:
            return self._decide_and_train(batch)
        except Exception as error:
            return self._writer.result_of_error(batch, error, self._command_log)

    def _decide_and_train(self, batch: Batch) -> BatchResult | None:
        if batch.has_awaiting_candidate:
            decided = self._decide_on_candidate(batch)
            if decided or self.begun:
                return decided
        pictures, assessment, decision, labels = self._reader.read(batch)
        note_conflicts(self._ledger, pictures)
        changes = pictures.batch_update_counts().nonzero()
        if decision.outcome != "retrain":
            numbers = assessment.numbers(unverified=batch.unverified_domains)
            self._ledger.update(batch.number, numbers=numbers)
            use_labels(self._ledger, pictures, labels)
            self._reopened.update(one.number for one in labels.answered)
            return BatchResult(decision.outcome, decision.reason, changes=changes)
        to_label = self._label_decision.pictures_to_label(pictures, decision.unverified)
        numbers = assessment.numbers(
            [name for name, names in to_label.items() if names],
            {*batch.unverified_domains, *decision.unverified},
        )
        self._ledger.update(batch.number, numbers=numbers)
        self._print(f"{batch.name}: retrain: {decision.reason}")
        self._writer.send("retraining", batch, decision.reason, changes)
        check_boundary(self._config)
        with captured_output(self._log):
            snapshot = pictures.write(self._config, decision.unverified)
        if any(to_label.values()):
            commands = label_and_retrain(self._workspace.root, batch, self._config)
            snapshot = replace(snapshot, label_commands=commands)
        snapshot = replace(snapshot, unverified=to_label)
        begun = BegunTraining(
            batch.number,
            changes,
            str(pictures.update_counts()),
            snapshot.unlabelled,
            with_conflicts("", pictures.conflicts, batch.name),
        )
        return self._run(snapshot, begun)

    def _decide_on_candidate(self, batch: Batch) -> BatchResult | None:
        """Decide on the candidate of a batch by labels; None where it cannot be decided on."""
        try:
            with self._deaths.reading(batch.digest):
                snapshot = self._label_decision.snapshot(self._reader.pictures(batch))
        except CandidateGoneError as error:
            self._print(f"{batch.name}: its candidate is trained again: {error}")
            return None
        if snapshot is None:
            return BatchResult(AWAITING, f"labels decide on the candidate of run {batch.run_id}")
        self._print(f"{batch.name}: labels decide on the candidate of run {batch.run_id}")
        return self._run(snapshot, BegunTraining(batch.number, {}))

    def _run(self, snapshot: Snapshot, begun: BegunTraining) -> BatchResult | None:
        summary = self._run_pipeline(self._config, self._workspace, snapshot)
        if summary is None:
            self.begun = begun
            return None
        return begun.result(summary, self._config.retrain.min_pictures)

    def _print(self, text: str) -> None:
        self._console.print(plain(text), highlight=False, soft_wrap=True)
