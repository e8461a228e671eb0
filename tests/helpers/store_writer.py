"""A process that pushes versions of a model to a workspace in a store, and may kill itself.

Arguments: URI, folder of the working copy, file that gets a line of JSON per version, number of
pushes, and the step before which the process kills itself with SIGKILL (0 for never). Steps are
writes to the store.
"""

import json
import os
import signal
import sys
import uuid
from pathlib import Path
from typing import Any

import obstore
from obstore.store import LocalStore, ObjectStore
from tiny_pictures import write_files

from components.pusher.version_store import Push, VersionStore
from pipeline.object_store.remote_workspace import RemoteWorkspace
from pipeline.object_store.serving_layout import versions_in
from pipeline.object_store.state_chain import StateConflictError
from pipeline.object_store.store_access import open_store
from pipeline.object_store.stored_paths import is_stored
from pipeline.object_store.working_copy import WorkingCopy

NAME = "pets"

#: Calls of obstore that change a store.
_WRITES = ("put", "copy", "delete")


def open_any_store(uri: str) -> ObjectStore:
    """Open a store; a path is a folder that stands for one, for tests without a server."""
    return open_store(uri) if "://" in uri else LocalStore(uri, mkdir=True)


def remote_workspace(uri: str, folder: Path) -> RemoteWorkspace:
    """The workspace with a working copy in a folder."""
    copy = WorkingCopy(folder, is_stored)
    copy.prepare(uri)
    return RemoteWorkspace(open_any_store(uri), uri, copy)


def push_version(remote: RemoteWorkspace) -> dict[str, Any]:
    """Push the next version, or the one that a killed process has left, as `carryover retrain`."""
    state = remote.pull()
    remote.layout.update(state.number, state.manifest)
    remote.copy.begin_change()
    versions = VersionStore(remote.copy.root, NAME)
    if len(versions.versions()) == len(versions_in(state.manifest)):
        _train_and_push(remote.copy, versions)
    version = versions.versions()[-1]
    number = remote.push("retrain")
    return {"version": version, "digest": versions.read_push(version).digest, "state": number}


def _train_and_push(copy: WorkingCopy, versions: VersionStore) -> None:
    """Push a model of a few random bytes."""
    digest = uuid.uuid4().hex * 2
    files = {
        "saved_model.pb": digest.encode(),
        "variables/variables.index": os.urandom(1000),
        "variables/variables.data-00000-of-00001": os.urandom(300_000),
    }
    model = write_files(copy.folder / "model", files)
    versions.push(model, Push(digest, "20240101-000000", "key", None, "2024-01-01T00:00:00Z", {}))
    (copy.root / "ledger.sqlite").write_bytes(f"ledger of {digest}".encode())


def die_before(step: int) -> None:
    """Kill this process before one of its writes to the store, counted from 1."""
    left = step

    def dying(write: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return write(*arguments, **named)

        return call

    for name in _WRITES:
        setattr(obstore, name, dying(getattr(obstore, name)))


def main(uri: str, folder: str, log: str, pushes: str, step: str) -> None:
    """Push versions; where another process was first, try again from the new state."""
    remote = remote_workspace(uri, Path(folder))
    if int(step):
        die_before(int(step))
    done = 0
    while done < int(pushes):
        try:
            pushed = push_version(remote)
        except StateConflictError:
            continue
        done += 1
        with Path(log).open("a") as file:
            file.write(json.dumps(pushed) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
