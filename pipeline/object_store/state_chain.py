"""The states of a workspace in an object store: `states/<number>.json.gz`, each written once.

A state lists all files of the workspace. Its object is made by one write that fails if the object
exists. So of two commands that began with state N, one makes state N + 1, and the other one is told
so. What a killed command has uploaded before is in no state. No number is used twice: a superseded
state that is not needed any more is emptied, never deleted.
"""

import gzip
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.object_store.file_manifest import FileManifest
from trainer_module.contract.errors import UnavailableError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

FOLDER = "states"

_SUFFIX = ".json.gz"


class StateConflictError(RuntimeError):
    """Another command has made the next state first."""


@dataclass(frozen=True)
class State:
    """A workspace at one time.

    Attributes:
        number: 1 for the first state; 0 for a workspace in which nothing is yet.
        manifest: All files.
        writer: Random id of the command that made the state.
        command: Name of that command, such as `retrain`.
        written: Time at the end of that command, ISO 8601 in UTC.
    """

    number: int = 0
    manifest: FileManifest = field(default_factory=FileManifest)
    writer: str = ""
    command: str = ""
    written: str = ""

    def to_bytes(self) -> bytes:
        """Return the content of the object or file that holds the state."""
        values = {
            "number": self.number,
            "writer": self.writer,
            "command": self.command,
            "written": self.written,
            "manifest": self.manifest.to_json(),
        }
        return gzip.compress(json.dumps(values).encode(), compresslevel=6, mtime=0)

    @classmethod
    def from_bytes(cls, content: bytes) -> "State":
        """Return the state that `to_bytes` has made bytes of.

        Raises:
            ValueError: The content is damaged.
        """
        try:
            values = json.loads(gzip.decompress(content))
            manifest = FileManifest.from_json(values.pop("manifest"))
            return cls(manifest=manifest, **values)
        except (EOFError, OSError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(str(error)) from None


class StateChain:
    """All states of a workspace in a store."""

    def __init__(self, store: "ObjectStore") -> None:
        """Read nothing yet.

        Args:
            store: Part of the store that is the workspace.
        """
        self._store = store

    def newest_number(self, since: int = 0) -> int:
        """Return the number of the newest state, 0 if there is none.

        Args:
            since: Number of a state that is known to exist, to list fewer objects; or 0.
        """
        import obstore

        offset = state_name(since) if since else None
        found = obstore.list(self._store, prefix=FOLDER, offset=offset)
        return max((_number(one["path"]) for part in found for one in part), default=since)

    def read(self, number: int) -> State:
        """Read a state.

        Raises:
            FileNotFoundError: There is no such state.
            UnavailableError: The state is damaged, or was superseded long ago.
        """
        import obstore

        if not number:
            return State()
        content = bytes(obstore.get(self._store, state_name(number)).bytes())
        try:
            return State.from_bytes(content)
        except ValueError as error:
            what = f"is damaged ({error})" if content else "was superseded and emptied"
            raise UnavailableError(
                f"state {number} of the workspace, {state_name(number)}, {what}. Give the command "
                "again; if that does not help, restore the object from a version of the store."
            ) from None

    def create(self, state: State) -> None:
        """Make a state the newest one, after the state with the number before.

        Raises:
            StateConflictError: There is such a state already, of another writer.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError, GenericError

        name = state_name(state.number)
        try:
            obstore.put(self._store, name, state.to_bytes(), mode="create")
        except AlreadyExistsError:
            # The store may have done what a first try asked for, without an answer that arrived.
            if self.read(state.number).writer != state.writer:
                raise StateConflictError from None
        except GenericError:
            if self.newest_number(state.number - 1) < state.number:
                raise
            if self.read(state.number).writer != state.writer:
                raise StateConflictError from None

    def empty(self, number: int) -> None:
        """Drop the content of a superseded state. The number stays used."""
        import obstore

        obstore.put(self._store, state_name(number), b"")


def state_name(number: int) -> str:
    """Return the name of the object with a state; names sort like numbers."""
    return f"{FOLDER}/{number:010d}{_SUFFIX}"


def _number(path: str) -> int:
    """Return the number of a state from the name of its object, 0 for another object."""
    digits = path.rpartition("/")[2].removesuffix(_SUFFIX)
    return int(digits) if digits.isdecimal() else 0
