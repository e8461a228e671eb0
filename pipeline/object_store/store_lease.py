"""The lease of a workspace in a store: a command that uses it, so that no other one works in vain.

The chain of states decides who has changed the workspace; the lease only saves the hour of a
training that would lose. `leases/<number>.json` is made by a write that fails if the object exists,
and the highest number holds the lease. Its holder writes it again while it works, and the store
notes the time: clocks of machines do not count. A lease that was not written for `EXPIRES_AFTER`
seconds belongs to a command that was killed, and the next one takes the next number.
"""

import contextlib
import json
import os
import socket
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.workspace_files.renewal import renewed

if TYPE_CHECKING:
    from datetime import datetime

    from obstore.store import ObjectStore

FOLDER = "leases"

#: Seconds without a renewal after which a lease counts for nothing.
EXPIRES_AFTER = 120.0

#: Seconds between two renewals.
RENEW_EVERY = 20.0


@dataclass(frozen=True)
class LeaseHolder:
    """A command that has, or had, the lease.

    Attributes:
        copy: Id of the working copy, which one command at a time can lock.
        command: Name of the command.
        host: Name of its machine.
        process: Its process.
        is_released: Whether the command has ended.
    """

    copy: str
    command: str
    host: str
    process: int
    is_released: bool = False


class StoreLease:
    """The lease of a workspace."""

    def __init__(self, store: "ObjectStore", uri: str, copy: str, command: str) -> None:
        """Take nothing yet.

        Args:
            store: Part of the store that is the workspace.
            uri: URI of the workspace, for messages.
            copy: Id of the working copy, which this process has locked.
            command: Name of the command.
        """
        self._store, self._uri = store, uri
        self._holder = LeaseHolder(copy, command, socket.gethostname(), os.getpid())
        self._number = 0

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lease while the block works.

        Raises:
            InputError: Another command holds it.
        """
        self._take()
        try:
            with renewed(self._renew, RENEW_EVERY):
                yield
        finally:
            self._release()

    def now(self) -> "datetime":
        """Return the time by the clock of the store."""
        import obstore

        name = f"{FOLDER}/clock-{uuid.uuid4()}"
        obstore.put(self._store, name, b"")
        try:
            time: datetime = obstore.head(self._store, name)["last_modified"]
        finally:
            obstore.delete(self._store, name)
        return time

    def _take(self) -> None:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        newest, renewed = self._newest()
        if renewed is not None and (holder := self._read(newest)) is not None:
            self._check_over(holder, renewed)
        self._number = newest + 1
        # There may be one of another command, or of a first try whose answer did not arrive.
        with contextlib.suppress(AlreadyExistsError):
            obstore.put(self._store, _name(self._number), self._content(), mode="create")
        highest, _ = self._newest()
        holder = self._read(self._number)
        if highest != self._number or holder is None or holder.copy != self._holder.copy:
            raise self._in_use(self._read(highest))
        for number in range(max(1, newest - 1), self._number):
            with contextlib.suppress(FileNotFoundError):
                obstore.delete(self._store, _name(number))

    def _check_over(self, holder: LeaseHolder, renewed: "datetime") -> None:
        """Check that the command with the newest lease has ended, or was killed."""
        if holder.is_released or holder.copy == self._holder.copy:
            return
        if (self.now() - renewed).total_seconds() < EXPIRES_AFTER:
            raise self._in_use(holder)

    def _newest(self) -> "tuple[int, datetime | None]":
        """Return the highest number and the time of its last renewal; 0 and None without any."""
        import obstore

        found: tuple[int, datetime | None] = (0, None)
        for part in obstore.list(self._store, prefix=FOLDER):
            for one in part:
                digits = one["path"].rpartition("/")[2].removesuffix(".json")
                if digits.isdecimal() and int(digits) > found[0]:
                    found = int(digits), one["last_modified"]
        return found

    def _read(self, number: int) -> LeaseHolder | None:
        """Return the holder of a lease; None if it was removed meanwhile."""
        import obstore

        try:
            content = bytes(obstore.get(self._store, _name(number)).bytes())
        except FileNotFoundError:
            return None
        try:
            return LeaseHolder(**json.loads(content))
        except (ValueError, TypeError):
            raise UnavailableError(
                f"workspace {self._uri}: {_name(number)} is damaged. If no command uses the "
                "workspace, remove the object."
            ) from None

    def _content(self, is_released: bool = False) -> bytes:
        values = asdict(self._holder) | {"is_released": is_released}
        return json.dumps(values).encode()

    def _renew(self) -> None:
        self._write()  # where it fails, the next renewal may succeed

    def _release(self) -> None:
        self._write(is_released=True)  # where it fails, the lease expires

    def _write(self, is_released: bool = False) -> None:
        import obstore
        from obstore.exceptions import BaseError

        with contextlib.suppress(BaseError):
            obstore.put(self._store, _name(self._number), self._content(is_released))

    def _in_use(self, holder: LeaseHolder | None) -> InputError:
        user = "another command"
        if holder:
            user = f"`carryover {holder.command}` on {holder.host}, process {holder.process}"
        return InputError(
            f"workspace {self._uri} is in use by {user}. Wait until it has ended; if it was "
            f"killed, for {EXPIRES_AFTER:.0f} seconds."
        )


def _name(number: int) -> str:
    return f"{FOLDER}/{number:010d}.json"
