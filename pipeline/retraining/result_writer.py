"""Writes the result of a batch to the ledger, sends the event, and prints it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.config.run_config import RunConfig
from pipeline.logs.command_log import CommandLog
from pipeline.retraining.batch import OPEN, Batch, BatchState
from pipeline.retraining.batch_decision import BatchResult
from pipeline.retraining.deliveries.batch_store import BatchStore
from pipeline.retraining.deliveries.left_out_files import stored_left_out, with_left_out
from pipeline.retraining.ledger import Ledger
from pipeline.retraining.ledger_table import next_steps, step_after_labels
from pipeline.retraining.notices import Notices
from pipeline.running.run_failure import find_machine_fault, logged_reason
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError


@dataclass(frozen=True)
class ResultWriter:
    """Writes the results of batches of one workspace.

    Attributes:
        config: Configuration of the retraining.
        ledger: Ledger of the batches.
        notices: Receivers of events.
        show: Function that shows one line to people.
    """

    config: RunConfig
    ledger: Ledger
    notices: Notices
    show: Callable[[str], None]

    def result_of_error(self, batch: Batch, error: Exception, log: CommandLog) -> BatchResult:
        """Return the result of a batch whose run, or whose assessment, ended with an error.

        Args:
            batch: Batch that was processed.
            error: The error.
            log: Log for its traceback.
        """
        if isinstance(error, InputError):
            return BatchResult.of_input_error(error)
        # The batch is tried again, and other batches are processed. A full disk is no attempt.
        attempts = batch.attempts + (not find_machine_fault(error))
        gives_up = attempts >= self.config.retrain.attempts
        state: BatchState = "failed" if gives_up else OPEN
        return BatchResult(state, logged_reason(error, log), {"attempts": attempts})

    def write(self, batch: Batch, result: BatchResult) -> None:
        """Write the result of a batch.

        Args:
            batch: Batch in the ledger, which is open.
            result: Its result; with the state `OPEN`, the next pass retries it.
        """
        if result.state == OPEN:
            self.ledger.update(batch.number, reason=result.reason, **result.columns)
            self.show(f"{batch.name}: {result.reason.rstrip('.')}; the next pass retries it")
            self.notices.send("failed", batch=batch.name, reason=result.reason, gives_up=False)
        else:
            self._finish(batch, result)

    def send(self, event: str, batch: Batch, reason: str, values: Mapping[str, Any]) -> None:
        """Send an event about a batch.

        Args:
            event: Name of the event.
            batch: The batch.
            reason: Reason, a text for people.
            values: Further JSON-ready values.
        """
        known = {"batch": batch.name, "number": batch.number, "reason": reason}
        self.notices.send(event, **known, **batch.acceptance(), **values)

    def _finish(self, batch: Batch, result: BatchResult) -> None:
        """Write the final state of a batch to the ledger, send the event, and print it."""
        workspace = Workspace(self.config.workspace)
        unusable = stored_left_out(BatchStore(workspace.batches), batch.digest)
        reason = with_left_out(result.reason, unusable, batch.source)
        if batch.accepted:  # its reason is that of the hold, and who accepted it
            is_told = batch.accepted in batch.reason  # not after a failed attempt
            accepted = batch.reason if is_told else f"labels accepted: {batch.accepted}"
            reason = f"{reason}; {accepted}"
        count = {"left_out": len(unusable)} if unusable else {}
        finished = self.ledger.finish(batch.number, result.state, reason, **result.columns)
        self.send(result.state, batch, reason, {**count, **result.changes, **result.columns})
        if result.is_shown:  # its run has shown the reasons, and how to accept its candidate
            self.show(f"{batch.name}: {result.state}")
            batches = self.ledger.batches()
            lines = step_after_labels(finished, batches, workspace.root, self.config.name)
        else:
            self.show(f"{batch.name}: {result.state}: {reason}")
            lines = next_steps([finished], workspace.root, name=self.config.name)
        for line in lines:
            self.show(line)
