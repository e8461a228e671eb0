"""Intake of a delivery: it is copied and added to the ledger, or waits."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.logs.captured_output import captured_output
from pipeline.retraining.batch import OPEN, UNAVAILABLE, Batch
from pipeline.retraining.deliveries.batch_store import BatchChangedError, BatchStore, StoredBatch
from pipeline.retraining.deliveries.inbox import READY, Delivery, file_stamp
from pipeline.retraining.ledger import Ledger
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.printable_names import printable_name


@dataclass(frozen=True)
class IntakeResult:
    """What became of a delivery.

    Attributes:
        name: Name of the delivery.
        text: Text for people; "" if a batch was added and there is no more to say.
        batch: Batch in the ledger; None if the ledger stays as it is.
        events: Names of the events to send about the batch.
    """

    name: str
    text: str
    batch: Batch | None = None
    events: tuple[str, ...] = ()

    def event_values(self) -> dict[str, Any]:
        """Return the values that are sent with the events."""
        if self.batch is None:
            return {"batch": self.name}
        batch = self.batch
        values = {"batch": self.name, "number": batch.number, "state": batch.state}
        return {**values, "reason": batch.reason} if batch.reason else values


class DeliveryIntake:
    """Takes deliveries: the same for a pass and for a dry run, which has copies of its own."""

    def __init__(
        self,
        ledger: Ledger,
        store: BatchStore,
        rolled_back: Collection[int],
        quiet_seconds: float,
        log: Path,
    ) -> None:
        """Use a ledger and a batch store.

        Args:
            ledger: Ledger to add batches to.
            store: Batch store to copy deliveries to.
            rolled_back: Versions that were rolled back. Their batches can be delivered again.
            quiet_seconds: Seconds without a change after which a file is complete.
            log: Log for messages of the libraries.
        """
        self._ledger = ledger
        self._store = store
        self._rolled_back = rolled_back
        self._quiet_seconds = quiet_seconds
        self._log = log

    def take_all(self, deliveries: Sequence[Delivery], inbox: Path) -> Iterator[IntakeResult]:
        """Take all deliveries, and withdraw batches that wait and whose delivery was removed.

        Args:
            deliveries: All deliveries in the inbox.
            inbox: Path of the inbox.

        Yields:
            What became of each delivery that is not in the ledger as it is.
        """
        source = printable_name(str(inbox))
        names = {delivery.name for delivery in deliveries}
        for batch in self._ledger.note_removed(source, names):
            yield IntakeResult(batch.name, f"{batch.state}: {batch.reason}", batch, (batch.state,))
        for delivery in deliveries:
            if result := self.take(delivery):
                yield result

    def take(self, delivery: Delivery) -> IntakeResult | None:
        """Copy a delivery and add it to the ledger, if it is complete and not in the ledger.

        Args:
            delivery: Delivery in the inbox.

        Returns:
            What became of it; None if it is in the ledger as it is.

        Raises:
            OSError: The disk is full.
        """
        if not delivery.complete:
            return IntakeResult(delivery.name, f"incomplete: it has no {READY}, and changed lately")
        try:
            stamp = file_stamp(delivery.path)
        except (OSError, UnavailableError) as error:
            return self._wait_unseen(delivery, error)
        return None if self._ledger.contains(delivery.name, stamp) else self._copy(delivery, stamp)

    def _copy(self, delivery: Delivery, stamp: str) -> IntakeResult:
        try:
            with captured_output(self._log):
                stored = self._store.add(delivery, self._quiet_seconds)
        except BatchChangedError:
            text = "the batch changed while it was copied; the next pass copies it again"
            return IntakeResult(delivery.name, text)
        except FileNotFoundError:
            return _removed(delivery)
        except UnavailableError as error:
            return self._wait(delivery, str(error))
        except InputError as error:
            # What cannot be read has no content that could identify it.
            return self._add(delivery, StoredBatch(digest=stamp, stamp=stamp), str(error))
        return self._add(delivery, stored)

    def _add(self, delivery: Delivery, stored: StoredBatch, fault: str = "") -> IntakeResult:
        earlier = self._ledger.with_pictures(stored.digest)
        batch = self._ledger.add(
            delivery.name,
            delivery.source,
            stored.digest,
            stored.stamp,
            fault,
            self._rolled_back,
        )
        if batch is None:
            known = self._ledger.newest(delivery.name)
            state = f"batch {known.number}, {known.state}" if known else "known"
            return IntakeResult(
                delivery.name, f"nothing to do: the same pictures as before ({state})"
            )
        if batch.state != OPEN:
            events = ("taken",) if batch.state == "duplicate" else ("taken", batch.state)
            return IntakeResult(delivery.name, f"{batch.state}: {batch.reason}", batch, events)
        text = f"taken again: batch {earlier.number} was {_outcome(earlier)}" if earlier else ""
        text = " ".join(filter(None, [text, *stored.notes]))
        return IntakeResult(delivery.name, text, batch, ("taken",))

    def _wait(self, delivery: Delivery, reason: str) -> IntakeResult:
        batch, is_new = self._ledger.wait(delivery.name, delivery.source, reason)
        return IntakeResult(
            delivery.name, f"waiting: {reason}", batch, ("waiting",) if is_new else ()
        )

    def _wait_unseen(self, delivery: Delivery, error: OSError | UnavailableError) -> IntakeResult:
        """Wait for a delivery of which not even the names of files can be read."""
        if isinstance(error, FileNotFoundError) and not delivery.path.is_symlink():
            return _removed(delivery)
        reason = str(error)
        if isinstance(error, OSError):
            reason = f"{delivery.source}: {error.strerror}"
        newest = self._ledger.newest(delivery.name)
        if newest and newest.state != UNAVAILABLE:  # it may be the delivery that was taken
            return IntakeResult(delivery.name, f"waiting: {reason}")
        return self._wait(delivery, reason)


def _outcome(batch: Batch) -> str:
    return "pushed and rolled back" if batch.state == "pushed" else batch.state


def _removed(delivery: Delivery) -> IntakeResult:
    return IntakeResult(delivery.name, "the batch was removed while it was copied")


def describe_dropped(ledger: Ledger, inbox: Path) -> str:
    """Return which batches of an inbox are taken only when they are delivered again.

    Args:
        ledger: Ledger of the batches.
        inbox: Path of the inbox.

    Returns:
        The end of a sentence; "" if there are none.
    """
    states = ledger.dropped(printable_name(str(inbox)))
    counts = " and ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f": {counts}, until a file of the batch is changed or touched" if states else ""
