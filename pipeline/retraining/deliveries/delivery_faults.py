"""What is wrong with a delivery: every error that it causes is its outcome."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.logs.captured_output import captured_output
from pipeline.logs.command_log import CommandLog
from pipeline.retraining.batch import UNAVAILABLE, BatchState
from pipeline.retraining.deliveries.batch_store import BatchChangedError, StoreWriteError
from pipeline.retraining.deliveries.inbox import Delivery
from pipeline.running.run_failure import logged_reason
from trainer_module.contract.errors import InputError, UnavailableError, safe_message
from trainer_module.contract.printable_names import shortened

Result = TypeVar("Result")

#: Most characters of a reason. A message may quote what a file holds.
MAX_REASON = 1000


@dataclass(frozen=True)
class DeliveryFault:
    """Why a delivery is not copied.

    Attributes:
        state: State of its batch; None if the next pass looks again and nobody needs to know.
        reason: Reason in one line, a text for people.
    """

    state: BatchState | None
    reason: str


class DeliveryGuard:
    """Runs what reads a delivery, and turns its errors into the outcome of that delivery."""

    def __init__(self, log: Path, command_log: CommandLog) -> None:
        """Name the logs.

        Args:
            log: Log for messages of the libraries.
            command_log: Log for tracebacks.
        """
        self._log = log
        self._command_log = command_log

    def run(self, delivery: Delivery, action: Callable[[], Result]) -> Result | DeliveryFault:
        """Run an action on a delivery.

        Args:
            delivery: The delivery.
            action: Function that reads it.

        Returns:
            What the action returns, or what is wrong with the delivery.

        Raises:
            StoreWriteError: The workspace cannot be written.
        """
        try:
            with captured_output(self._log):
                return action()
        except StoreWriteError:
            raise
        except Exception as error:
            fault = self._explain(delivery, error)
            return DeliveryFault(fault.state, shortened(safe_message(fault.reason), MAX_REASON))

    def _explain(self, delivery: Delivery, error: Exception) -> DeliveryFault:
        if isinstance(error, BatchChangedError):
            return DeliveryFault(
                None, "the batch changed while it was copied; the next pass copies it again"
            )
        if isinstance(error, FileNotFoundError) and not delivery.path.is_symlink():
            return DeliveryFault(None, "the batch was removed while it was copied")
        if isinstance(error, UnavailableError):
            return DeliveryFault(UNAVAILABLE, str(error))
        if isinstance(error, InputError):
            return DeliveryFault("held", str(error))
        if isinstance(error, OSError):
            return DeliveryFault(UNAVAILABLE, f"{delivery.source}: {error.strerror or error}")
        return DeliveryFault("failed", logged_reason(error, self._command_log))
