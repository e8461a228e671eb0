"""Publishing in a process per target, which is ended after some time.

A server may answer a byte now and then, and a folder may be on a network that is down. Nothing else
of a run, a pass or a rollback waits for that, and nothing that fails here fails them.
"""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from components.pusher.version_store import VersionStore
from pipeline.config.publish_options import PublishOptions
from pipeline.publishing.publish_state import TargetState, read_states, write_states
from pipeline.publishing.publishing import (
    Show,
    failure_reason,
    note_failure,
    state_key,
    targets,
)
from pipeline.publishing.targets import Target
from trainer_module.contract.child_process import isolated_module
from trainer_module.contract.process_environment import environment_without_gpu
from trainer_module.contract.workspace_files.file_lock import lock_file

#: Seconds for a target: at the end of another command, and of `carryover publish`.
TIME_LIMIT, TIME_LIMIT_BY_HAND = 300, 6 * 3600

#: Seconds for which a target that failed is not tried again at the end of another command.
PAUSE = 600

#: File in the workspace that is locked while something is published.
_LOCK = ".publishing"

_PROGRAM = "pipeline.publishing.publish_program"


def publish_logged(
    options: PublishOptions, store: VersionStore, log: Path, show: Show, by_hand: bool = False
) -> bool:
    """Publish as `publishing.publish` does, in a process per target. It raises no error.

    The caller does not hold the lock of the workspace.

    Args:
        options: Targets; where there are none, nothing is done.
        store: Versions of the model.
        log: Log for tracebacks, and for what libraries print.
        show: Function that shows one line to the user.
        by_hand: Whether a person asked for this: then there is time, also for what failed just now.

    Returns:
        Whether all targets have everything.
    """
    if not options:
        return True
    try:
        with _only_publisher(store.root) as lock:
            singles = PublishOptions(bundles=options.bundles), PublishOptions(mlflow=options.mlflow)
            done = [_publish_one(one, store, log, show, by_hand, lock) for one in singles if one]
        return all(done)
    except BlockingIOError:
        show("not published: another command publishes from this workspace just now")
    except Exception as error:
        show(f"not published: {failure_reason(error)}")
    return False


@contextlib.contextmanager
def _only_publisher(workspace: Path) -> Iterator[int]:
    handle = lock_file(workspace / _LOCK)
    try:
        yield handle
    finally:
        os.close(handle)


def _publish_one(
    options: PublishOptions, store: VersionStore, log: Path, show: Show, by_hand: bool, lock: int
) -> bool:
    """Publish to the only target of the options."""
    [target] = targets(options, store.name)
    state = read_states(store.root).get(state_key(store, target), TargetState())
    if not by_hand and 0 <= time.time() - state.failed_at < PAUSE:
        show(f"{target.name}: not published, as it failed just now. Try it with carryover publish.")
        return False
    seconds = TIME_LIMIT_BY_HAND if by_hand else TIME_LIMIT
    job = {
        "options": options.model_dump(mode="json"),
        "workspace": str(store.root),
        "name": store.name,
        "log": str(log),
        "seconds": seconds,
        "afresh": by_hand,
    }
    try:
        done = subprocess.run(
            isolated_module(_PROGRAM),
            input=json.dumps(job).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment_without_gpu({"TF_CPP_MIN_LOG_LEVEL": "3"}),
            timeout=seconds,
            check=False,
            pass_fds=(lock,),  # if this process is killed, the other one holds the lock to its end
        )
        is_complete, lines = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        _note(store, target, f"it took longer than {seconds} seconds", show)
        return False
    except ValueError:
        _note(store, target, f"its process ended with status {done.returncode}", show)
        return False
    for line in lines:
        show(line)
    return bool(is_complete)


def _note(store: VersionStore, target: Target, reason: str, show: Show) -> None:
    states = read_states(store.root)
    note_failure(states.setdefault(state_key(store, target), TargetState()), reason, target, show)
    write_states(store.root, states)
