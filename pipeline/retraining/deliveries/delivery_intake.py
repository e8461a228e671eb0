"""Intake of deliveries: each is copied and added to the ledger, or waits."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.pusher.version_store import VersionStore
from pipeline.config.retraining_options import RetrainOptions
from pipeline.inputs.allowed_roots import OUTSIDE
from pipeline.retraining.batch import OPEN, UNAVAILABLE, Batch, find_acceptance
from pipeline.retraining.deliveries.batch_store import BatchStore, StoredBatch
from pipeline.retraining.deliveries.delivery_faults import DeliveryFault, DeliveryGuard
from pipeline.retraining.deliveries.inbox import (
    READY,
    Delivery,
    configured_inbox,
    find_deliveries,
)
from pipeline.retraining.deliveries.process_deaths import (
    DIED,
    MAX_DEATHS,
    ProcessDeaths,
    death_stamp,
    describe_deaths,
)
from pipeline.retraining.ledger import Ledger
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
        options: RetrainOptions,
        ledger: Ledger,
        store: BatchStore,
        versions: VersionStore,
        guard: DeliveryGuard,
        deaths: ProcessDeaths,
    ) -> None:
        """Use an inbox, a ledger and a batch store.

        Args:
            options: Options with the inbox.
            ledger: Ledger to add batches to.
            store: Batch store to copy deliveries to.
            versions: Versions of the model. The batches of those that were rolled back can be
                delivered again.
            guard: Turns errors of a delivery into its outcome.
            deaths: Counts of the processes that died while they read a delivery.

        Raises:
            InputError: No inbox is configured.
        """
        self._options = options
        self._inbox = configured_inbox(options)
        self._ledger = ledger
        self._store = store
        self._versions = versions
        self._guard = guard
        self._deaths = deaths
        self._suspects: list[Delivery] = []

    def take_all(self) -> Iterator[IntakeResult]:
        """Take all deliveries, and withdraw batches that wait and whose delivery was removed.

        Deliveries in which a process died are left to `take_suspects`.

        Yields:
            What became of each delivery that is not in the ledger as it is.

        Raises:
            InputError: The inbox or the ledger is unavailable.
            StoreWriteError: The workspace cannot be written, such as on a full disk.
        """
        quiet, allowed = self._options.quiet_seconds, self._options.allowed_roots
        deliveries = find_deliveries(self._inbox, quiet, allowed)
        source = printable_name(str(self._inbox))
        names = {delivery.name for delivery in deliveries}
        for batch in self._ledger.note_removed(source, names):
            yield IntakeResult(batch.name, f"{batch.state}: {batch.reason}", batch, (batch.state,))
        self._suspects = [one for one in deliveries if self._num_deaths(one)]
        for delivery in deliveries:
            if delivery not in self._suspects and (result := self.take(delivery)):
                yield result

    def take_suspects(self) -> Iterator[IntakeResult]:
        """Take the deliveries that `take_all` has left, those with the fewest deaths first.

        Yields:
            What is tried, and what became of it.

        Raises:
            InputError: The ledger is unavailable.
            StoreWriteError: The workspace cannot be written.
        """
        for delivery in sorted(self._suspects, key=self._num_deaths):
            if (num_deaths := self._num_deaths(delivery)) < MAX_DEATHS:
                yield IntakeResult(delivery.name, describe_deaths(num_deaths))
            if result := self.take(delivery):
                yield result

    def _num_deaths(self, delivery: Delivery) -> int:
        return self._deaths.count(death_stamp(delivery))

    def take(self, delivery: Delivery) -> IntakeResult | None:
        """Copy a delivery and add it to the ledger, if it is complete and not in the ledger.

        Whatever is wrong with the delivery is its outcome; it never concerns other deliveries.

        Args:
            delivery: Delivery in the inbox.

        Returns:
            What became of it; None if it is in the ledger as it is.

        Raises:
            StoreWriteError: The workspace cannot be written, such as on a full disk.
            InputError: The ledger is unavailable.
        """
        if not delivery.complete:
            return IntakeResult(delivery.name, self._describe_incomplete(delivery))
        death = death_stamp(delivery)
        if self._ledger.contains(delivery.name, death):
            return None
        if self._deaths.count(death) >= MAX_DEATHS:
            result = self._end(delivery, DeliveryFault("failed", DIED), death, is_seen=False)
            self._deaths.clear(death)  # delivered again, it is read again
            return result
        with self._deaths.reading(death):
            return self._read(delivery)

    def _describe_incomplete(self, delivery: Delivery) -> str:
        seconds = f"{self._options.quiet_seconds:g} s (retrain.quiet_seconds)"
        if delivery.is_manifest:
            return f"incomplete: it is taken when it has not changed for {seconds}"
        return (
            f"incomplete: it has no {READY}. Without that, it is taken when nothing in it has "
            f"changed for {seconds}"
        )

    def _read(self, delivery: Delivery) -> IntakeResult | None:
        """Read a complete delivery, see `take`."""
        stamp = self._guard.run(delivery, delivery.stamp)
        if isinstance(stamp, DeliveryFault):
            return self._end(delivery, stamp, delivery.rough_stamp(), is_seen=False)
        if self._is_known(delivery, stamp):
            return None
        stored = self._guard.run(
            delivery, lambda: self._store.add(delivery, self._options.quiet_seconds)
        )
        if isinstance(stored, DeliveryFault):
            return self._end(delivery, stored, stamp, is_seen=True)
        return self._add(delivery, stored)

    def _is_known(self, delivery: Delivery, stamp: str) -> bool:
        """Return whether a delivery is in the ledger as it is, under the allowed roots of now."""
        stamps = (stamp, delivery.roots.stamp(stamp))
        return any(self._ledger.contains(delivery.name, one) for one in stamps)

    def _end(
        self, delivery: Delivery, fault: DeliveryFault, stamp: str, is_seen: bool
    ) -> IntakeResult | None:
        """Write the outcome of a delivery that cannot be copied to the ledger.

        Args:
            delivery: The delivery.
            fault: What is wrong with it.
            stamp: Stamp of the delivery.
            is_seen: Whether the names of its files could be read.
        """
        if fault.state is None:
            return IntakeResult(delivery.name, fault.reason)
        if fault.state == UNAVAILABLE:
            newest = self._ledger.newest(delivery.name)
            # What cannot be seen may be the delivery that was taken.
            if not is_seen and newest and newest.state != UNAVAILABLE:
                return IntakeResult(delivery.name, f"waiting: {fault.reason}")
            return self._wait(delivery, fault.reason)
        if self._is_known(delivery, stamp):
            return None
        if OUTSIDE in fault.reason:
            stamp = delivery.roots.stamp(stamp)
        # What cannot be read has no content that could identify it.
        digest = hashlib.sha256(f"{delivery.name}\n{stamp}".encode()).hexdigest()
        return self._add(delivery, StoredBatch(digest=digest, stamp=stamp), fault)

    def _add(
        self, delivery: Delivery, stored: StoredBatch, fault: DeliveryFault | None = None
    ) -> IntakeResult:
        earlier = self._ledger.with_pictures(stored.digest)
        batch = self._ledger.add(
            delivery.name,
            delivery.source,
            stored.digest,
            stored.stamp,
            (fault.state, fault.reason) if fault and fault.state else None,
            self._versions.is_rolled_back,
        )
        if batch and (
            accepted := find_acceptance(self._ledger.of_digest(batch.digest), batch.digest)
        ):
            batch = self._ledger.update(batch.number, accepted=accepted)
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


def _outcome(batch: Batch) -> str:
    return "pushed and rolled back" if batch.state == "pushed" else batch.state


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
    until = "until a file of the batch, or its manifest, is changed or touched"
    return f": {counts}, {until}" if states else ""
