"""Publish what a workspace has and its targets lack: after a push, by the next pass, or by hand.

A target is unavailable at times, and a process may be killed. So a call does not publish one
version, but whatever is not published yet, and a target recognises what it has.
"""

import time
from collections.abc import Callable

from components.pusher.version_store import VersionStore
from pipeline.config.publish_options import PublishOptions
from pipeline.logs.captured_output import log_traceback
from pipeline.publishing.publish_state import TargetState, read_states, write_states
from pipeline.publishing.served_version import read_served_version
from pipeline.publishing.targets import BundleFolder, Target
from pipeline.workspace import RUN_ID, Workspace
from trainer_module.contract.errors import InputError, safe_message
from trainer_module.contract.output_text.wording import listed, plural
from trainer_module.contract.printable_names import shortened

#: Length of the longest reason that is shown, in characters: those of HTTP libraries are nested.
MAX_REASON = 240

#: Shows one line to the user.
Show = Callable[[str], None]


def publish(options: PublishOptions, store: VersionStore, show: Show, afresh: bool = False) -> bool:
    """Publish runs and versions that the targets lack, and mark the serving version there.

    A failure is shown with its reason, kept in the state, and raises no error. Its traceback goes
    to stderr, which is the log of a run.

    Args:
        options: Targets.
        store: Versions of the model.
        show: Function that shows one line to the user.
        afresh: Whether every target is asked what it has, also where the state says so.

    Returns:
        Whether all targets have everything.
    """
    problems = []
    for target in targets(options, store.name):
        states = read_states(store.root)
        state = states.setdefault(state_key(store, target), TargetState())
        if afresh:
            state.versions, state.runs = {}, []
        state.problem, state.failed_at = "", 0.0
        try:
            _publish_to(target, store, state, show, afresh)
        except Exception as error:
            log_traceback()
            note_failure(state, failure_reason(error), target, show)
            problems.append(state.problem)
        try:
            write_states(store.root, states)
        except OSError as error:
            log_traceback()
            show(f"what was published is not noted: {error.strerror}")
    return not problems


def state_key(store: VersionStore, target: Target) -> str:
    """Return the key of a target of a model in the states."""
    return f"{store.name}: {target.name}"


def note_failure(state: TargetState, reason: str, target: Target, show: Show) -> None:
    """Note in a state that its target failed, and tell it.

    Args:
        state: State of the target; it is changed.
        reason: Why, without a full stop.
        target: The target.
        show: Function that shows one line to the user.
    """
    state.problem, state.failed_at = reason, time.time()
    show(
        f"{target.name}: not published: {reason}. A run or pass after some minutes tries it again, "
        "and so does carryover publish at once."
    )


def targets(options: PublishOptions, name: str) -> list[Target]:
    """Return the targets that options name. None of them is connected to.

    Args:
        options: Targets.
        name: Name of the model.
    """
    found: list[Target] = [BundleFolder(options.bundles, name)] if options.bundles else []
    if options.mlflow:
        from pipeline.publishing.mlflow_target import MlflowTarget

        found.append(MlflowTarget(options.mlflow, name))
    return found


def _publish_to(
    target: Target, store: VersionStore, state: TargetState, show: Show, afresh: bool
) -> None:
    """Publish all that is whole, and mark the serving version.

    Raises:
        InputError: A run or a version is damaged; the others are published.
        Exception: The target failed.
    """
    errors = _publish_runs(target, store, state) if target.takes_runs else []
    published, version_errors = _publish_versions(target, store, state, show)
    newest = store.newest()
    is_marked = newest == state.serving and newest not in published and not afresh
    if newest is not None and str(newest) in state.versions and not is_marked:
        target.mark_serving(newest, state.versions[str(newest)])
        if state.serving not in (None, newest):
            show(f"{target.name}: version {newest} is the serving version")
        state.serving = newest
    errors += version_errors
    if errors:
        raise errors[0]


def _publish_runs(target: Target, store: VersionStore, state: TargetState) -> list[InputError]:
    """Publish every run that is whole; return the errors of the others."""
    paths = sorted(Workspace(store.root).runs.glob("*/summary.json"))
    folders = [path.parent for path in paths if RUN_ID.fullmatch(path.parent.name)]
    state.runs = [folder.name for folder in folders if folder.name in state.runs]
    errors = []
    for folder in folders:
        if folder.name not in state.runs:
            try:
                target.publish_run(folder)
            except InputError as error:
                errors.append(error)
                continue
            state.runs.append(folder.name)
    return errors


def _publish_versions(
    target: Target, store: VersionStore, state: TargetState, show: Show
) -> tuple[list[int], list[InputError]]:
    """Publish every version that is whole; return the numbers, and the errors of the others."""
    published, errors = [], []
    known = store.versions()
    state.versions = {one: state.versions[one] for one in map(str, known) if one in state.versions}
    for number in known:
        try:
            digest = store.read_push(number).digest
            if state.versions.get(str(number)) == digest and target.still_has(number):
                continue
            state.versions.pop(str(number), None)
            is_new = target.publish_version(read_served_version(store, number))
        except InputError as error:
            errors.append(error)
            continue
        state.versions[str(number)] = digest
        if is_new:
            published.append(number)
    if published:
        versions = plural("version", len(published))
        show(f"{target.name}: published {versions} {listed(map(str, published))}")
    return published, errors


def failure_reason(error: Exception) -> str:
    """Return the first line of an error, not too long, for one line on the terminal."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return shortened(safe_message(lines[0]), MAX_REASON).rstrip(".")
