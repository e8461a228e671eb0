"""Run a command on a workspace in an object store: in a working copy, which is pushed at its end.

Commands that change the workspace hold its lease and have a copy for themselves. Those that only
read share another copy, without the files that they do not need.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import typer

from pipeline.object_store.remote_workspace import RemoteWorkspace
from pipeline.object_store.store_access import open_store, store_errors
from pipeline.object_store.store_cleaning import clean_store
from pipeline.object_store.store_lease import StoreLease
from pipeline.object_store.stored_paths import is_read, is_stored
from pipeline.object_store.working_copy import WorkingCopy, copy_folder
from pipeline.terminal.plain_lines import print_line
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.wording import counted
from trainer_module.contract.workspace_files.file_lock import lock_file
from trainer_module.contract.workspace_files.lock_holder import read_holder, write_holder

#: Commands that change nothing.
READING = frozenset({"history", "predict", "serve", "versions", "watch"})

#: Commands that may change the workspace.
WRITING = frozenset({"accept", "clean", "report", "retrain", "rollback", "run"})

#: Commands that keep reading while new versions arrive.
_FOLLOWING = frozenset({"serve"})

#: Seconds between two looks for a newer state.
FOLLOW_SECONDS = 10.0

#: Seconds for which a command that reads waits for another one to update their copy.
_WAIT_SECONDS = 600.0


@contextlib.contextmanager
def stored_workspace(uri: str, command: str, is_dry_run: bool = False) -> Iterator[Path]:
    """Use a workspace in an object store while a command works.

    Args:
        uri: URI of the workspace.
        command: Name of the command.
        is_dry_run: Whether the command only says what it would do.

    Yields:
        Folder of the workspace on this machine.

    Raises:
        InputError: The command needs a folder, another command uses the workspace, or the store is
            unavailable.
        StateConflictError: Another command has changed the workspace meanwhile.
    """
    if command not in READING | WRITING:
        works = ", ".join(sorted(READING | WRITING))
        raise InputError(
            f"`carryover {command}` does not work on a workspace in an object store, as {uri} is; "
            f"these do: {works}. Give a folder with --workspace DIR."
        )
    is_reading = command in READING
    with _reading(uri, command) if is_reading else _writing(uri, command, is_dry_run) as root:
        yield root


@contextlib.contextmanager
def _writing(uri: str, command: str, is_dry_run: bool) -> Iterator[Path]:
    store, copy = open_store(uri), WorkingCopy(copy_folder(uri, "change"), is_stored)
    copy_id = copy.prepare(uri)
    remote, lease = RemoteWorkspace(store, uri, copy), StoreLease(store, uri, copy_id, command)
    with _locked(copy, uri), store_errors(uri), lease.hold():
        state = remote.pull()
        remote.layout.update(state.number, state.manifest)
        copy.begin_change()
        with _pushing(remote, command):
            yield copy.root
        if command == "clean" and not is_dry_run:
            removed = clean_store(store, lease.now())
            objects = counted(removed.objects, "object")
            print_line(f"{uri}: removed {objects}, {removed.size / 2**20:,.1f} MiB")


@contextlib.contextmanager
def _pushing(remote: RemoteWorkspace, command: str) -> Iterator[None]:
    """Push what the block has changed, also if it fails: that, too, is kept in a folder."""
    try:
        yield
    except KeyboardInterrupt:  # the next command resumes in the copy
        raise
    except typer.Exit:
        remote.push(command)
        raise
    except Exception:
        try:
            remote.push(command)
        except Exception as error:  # the error of the command is the one to tell
            print_line(f"carryover: the workspace was not uploaded: {error}", to_stderr=True)
        raise
    else:
        remote.push(command)


@contextlib.contextmanager
def _reading(uri: str, command: str) -> Iterator[Path]:
    remote = RemoteWorkspace(open_store(uri), uri, WorkingCopy(copy_folder(uri, "read"), is_read))
    remote.copy.prepare(uri)
    with _locked(remote.copy, uri, _WAIT_SECONDS), store_errors(uri):
        number = remote.pull().number
    if not number:
        raise InputError(
            f"workspace {uri} has no state: no command has written there. Check the URI, or "
            f"train a first model: carryover run --workspace {uri}"
        )
    with _following(remote) if command in _FOLLOWING else contextlib.nullcontext():
        yield remote.copy.root


@contextlib.contextmanager
def _following(remote: RemoteWorkspace) -> Iterator[None]:
    """Update the copy in another thread while the block works."""
    ended = threading.Event()

    def follow() -> None:
        told = ""
        while not ended.wait(FOLLOW_SECONDS):
            try:
                with _locked(remote.copy, remote.uri, _WAIT_SECONDS), store_errors(remote.uri):
                    remote.follow()
                told = ""
            except (InputError, OSError) as error:  # the server goes on with what it has
                if str(error) != told:
                    print_line(f"carryover: {error}", to_stderr=True)
                told = str(error)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


@contextlib.contextmanager
def _locked(copy: WorkingCopy, uri: str, wait: float = 0.0) -> Iterator[None]:
    """Lock a working copy.

    Args:
        copy: Working copy.
        uri: URI of the workspace.
        wait: Seconds to wait for another command of this machine.

    Raises:
        InputError: Another command has locked the copy.
    """
    deadline = time.monotonic() + wait
    while True:
        try:
            handle = lock_file(copy.lock)
            break
        except BlockingIOError:
            if time.monotonic() >= deadline:
                user = read_holder(copy.lock) or "another command"
                raise InputError(
                    f"workspace {uri} is in use by {user} of this machine. Wait until it has ended."
                ) from None
            time.sleep(0.1)
    try:
        write_holder(handle)
        yield
    finally:
        os.close(handle)
