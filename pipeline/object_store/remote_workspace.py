"""A workspace in an object store: read its newest state, and make the next one."""

import datetime
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.object_store.file_transfer import upload_files
from pipeline.object_store.serving_layout import ServingLayout
from pipeline.object_store.state_chain import State, StateChain, StateConflictError
from pipeline.object_store.working_copy import WorkingCopy
from trainer_module.contract.errors import UnavailableError

if TYPE_CHECKING:
    from obstore.store import ObjectStore


@dataclass(frozen=True)
class RemoteWorkspace:
    """A workspace in a store, and a working copy that the caller has locked.

    Attributes:
        store: Part of the store that is the workspace.
        uri: Its URI.
        copy: Working copy.
    """

    store: "ObjectStore"
    uri: str
    copy: WorkingCopy

    @property
    def chain(self) -> StateChain:
        """States of the workspace."""
        return StateChain(self.store)

    @property
    def layout(self) -> ServingLayout:
        """Serving directory that model servers read."""
        return ServingLayout(self.store, self.chain)

    def pull(self) -> State:
        """Make the working copy that of the newest state, and return the state.

        Raises:
            UnavailableError: The store has lost states that the copy has seen.
        """
        state, base = self.chain.read(self.chain.newest_number()), self.copy.base()
        if state.number < base.number:
            raise UnavailableError(
                f"workspace {self.uri} is at state {state.number}, and {self.copy.folder} has seen "
                f"state {base.number}: objects of the store were removed. Restore them, or remove "
                "that folder to accept it."
            )
        self.copy.restore(self.store, state)
        return state

    def follow(self) -> None:
        """Pull if there is a newer state than that of the working copy."""
        number = self.copy.base().number
        if self.chain.newest_number(number) > number:
            self.pull()

    def push(self, command: str) -> int:
        """Make the working copy the next state, if it has changed, and serve its versions.

        A kill before the state is made leaves objects that nothing names; a kill afterwards a
        serving directory that the next command completes.

        Args:
            command: Name of the command that has changed the copy.

        Returns:
            Number of the newest state.

        Raises:
            StateConflictError: Another command has made the next state. The next `pull` sets aside
                what is in the copy.
        """
        base = self.copy.base()
        manifest = self.copy.scan(base)
        if manifest.content == base.manifest.content:
            unchanged = State(base.number, manifest, base.writer, base.command, base.written)
            self.copy.end_change(unchanged)
            return base.number
        known = {entry.digest for entry in base.manifest.files.values()}
        new = {path: one for path, one in manifest.files.items() if one.digest not in known}
        upload_files(self.store, self.copy.root, new)
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        state = State(base.number + 1, manifest, str(uuid.uuid4()), command, now)
        self._create(state)
        self.copy.end_change(state)
        self.layout.update(state.number, manifest)
        return state.number

    def _create(self, state: State) -> None:
        try:
            self.chain.create(state)
        except StateConflictError:
            raise StateConflictError(
                f"another command has changed workspace {self.uri} while this one ran, so nothing "
                "of this one is kept. Give the same command again: it starts from the new state."
            ) from None
