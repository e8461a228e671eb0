"""Publish what a workspace has and its targets lack: after a push, by the next pass, or by hand.

A target is unavailable at times, and a process may be killed. So a call does not publish one
version, but whatever is not published yet, and a target recognises what it has.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from components.pusher.version_store import VersionStore
from pipeline.config.config_file import load_config
from pipeline.config.publish_options import PublishOptions
from pipeline.logs.captured_output import captured_output, log_traceback
from pipeline.publishing.publish_state import FILE, TargetState, read_states, write_states
from pipeline.publishing.served_version import read_served_version
from pipeline.publishing.targets import BundleFolder, Target
from pipeline.terminal.plain_lines import print_line
from pipeline.version_lookup import find_store, serving_version
from pipeline.workspace import RUN_ID, Workspace
from trainer_module.contract.errors import InputError, safe_message
from trainer_module.contract.output_text.wording import listed, plural
from trainer_module.contract.printable_names import shortened

#: Length of the longest reason that is shown, in characters: those of HTTP libraries are nested.
MAX_REASON = 240

#: Shows one line to the user.
Show = Callable[[str], None]


def publish(options: PublishOptions, store: VersionStore, show: Show) -> bool:
    """Publish runs and versions that the targets lack, and mark the serving version there.

    A failure is shown with its reason, kept in the state, and raises no error. Its traceback goes
    to stderr, which is the log of a run.

    Args:
        options: Targets.
        store: Versions of the model.
        show: Function that shows one line to the user.

    Returns:
        Whether all targets have everything.
    """
    states = read_states(store.root)
    problems = []
    for target in _targets(options, store.name):
        state = states.setdefault(f"{store.name}: {target.name}", TargetState())
        state.problem = ""
        try:
            _publish_to(target, store, state, show)
        except Exception as error:
            log_traceback()
            state.problem = _reason(error)
            problems.append(state.problem)
            show(
                f"{target.name}: not published: {state.problem}. The next run or pass tries it "
                "again, and so does carryover publish."
            )
    try:
        write_states(store.root, states)
    except OSError as error:
        log_traceback()
        show(f"what was published is not noted: {error.strerror}")
    return not problems


def publish_logged(options: PublishOptions, store: VersionStore, log: Path, show: Show) -> bool:
    """Do what `publish` does, with the output of libraries in a log. The caller holds the lock.

    Args:
        options: Targets; where there are none, nothing is done.
        store: Versions of the model.
        log: Log for tracebacks, and for what libraries print.
        show: Function that shows one line to the user, after all is done.

    Returns:
        Whether all targets have everything.
    """
    if not options:
        return True
    lines: list[str] = []
    with captured_output(log):
        is_complete = publish(options, store, lines.append)
    for line in lines:
        show(line)
    return is_complete


@contextlib.contextmanager
def published_at_end(
    options: PublishOptions, store: VersionStore, log: Path, show: Show
) -> Iterator[None]:
    """Publish what the block, or an earlier one, has made, also where a run in it failed.

    After bad input or an interrupt nothing is published: nothing was made, or nobody waits.

    Args:
        options: See `publish_logged`, as for all others.
        store: Versions of the model.
        log: Log for tracebacks.
        show: Function that shows one line to the user.
    """
    try:
        yield
    except InputError:
        raise
    except Exception:
        publish_logged(options, store, log, show)
        raise
    publish_logged(options, store, log, show)


def publish_change(workspace: Path, name: str | None) -> None:
    """Publish what a command has changed: an accepted candidate, or a rollback.

    The options are those of the run of the serving version. A failure is one line on stderr, and
    so is a target that was only ever named by hand and has to be told of the change by hand.

    Args:
        workspace: Folder of the workspace.
        name: Name of the model, see `find_store`.
    """
    try:
        store = find_store(workspace, name)
        options = read_publish_options(store)
        if options:
            with Workspace(store.root).lock():
                publish_logged(options, store, Workspace(store.root).log("publish"), _warn)
        else:
            for target in _wrong_marks(store):
                _warn(f"{target} has another serving version: give carryover publish with --set.")
    except InputError as error:
        if (workspace / FILE).exists():  # without it, nothing has ever been published
            _warn(f"not published: {error}")


def read_publish_options(
    store: VersionStore, path: Path | None = None, overrides: Sequence[str] = ()
) -> PublishOptions:
    """Return the targets of a model.

    Args:
        store: Versions of the model.
        path: Config file; None for the config of the serving version's run.
        overrides: `key=value` texts; they win over the file.

    Raises:
        InputError: There is no serving version, or the config is missing or invalid.
    """
    if is_inherited := path is None:
        run_id, workspace = store.read_push(serving_version(store)).run_id, Workspace(store.root)
        workspace.read_config(run_id)  # a file that was cut off may hold valid YAML
        path = workspace.config_file(run_id)
    given = {"workspace": store.root, "name": store.name}
    return load_config(path, list(overrides), given, is_inherited).resolved().publish


def _wrong_marks(store: VersionStore) -> list[str]:
    """Return the targets on which another version than the newest is marked."""
    prefix = f"{store.name}: "
    return [
        name.removeprefix(prefix)
        for name, state in read_states(store.root).items()
        if name.startswith(prefix) and state.serving not in (None, store.newest())
    ]


def _warn(text: str) -> None:
    print_line(f"carryover: {text}", to_stderr=True)


def _targets(options: PublishOptions, name: str) -> list[Target]:
    targets: list[Target] = [BundleFolder(options.bundles)] if options.bundles else []
    if options.mlflow:
        from pipeline.publishing.mlflow_target import MlflowTarget

        targets.append(MlflowTarget(options.mlflow, name))
    return targets


def _publish_to(target: Target, store: VersionStore, state: TargetState, show: Show) -> None:
    """Publish all that is whole, and mark the serving version.

    Raises:
        InputError: A run or a version is damaged; the others are published.
        Exception: The target failed.
    """
    errors = _publish_runs(target, store, state) if target.takes_runs else []
    errors += _publish_versions(target, store, state, show)
    newest = store.newest()
    is_marked = newest is None or newest == state.serving or str(newest) not in state.versions
    if target.takes_runs and not is_marked:
        target.mark_serving(state.versions[str(newest)])
        if state.serving is not None:
            show(f"{target.name}: version {newest} is the serving version")
        state.serving = newest
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
) -> list[InputError]:
    """Publish every version that is whole; return the errors of the others."""
    published, errors = [], []
    known = store.versions()
    state.versions = {one: state.versions[one] for one in map(str, known) if one in state.versions}
    for number in known:
        try:
            digest = store.read_push(number).digest
            if state.versions.get(str(number)) == digest:
                continue
            target.publish_version(read_served_version(store, number))
        except InputError as error:
            errors.append(error)
            continue
        state.versions[str(number)] = digest
        published.append(str(number))
    if published:
        versions = plural("version", len(published))
        show(f"{target.name}: published {versions} {listed(published)}")
    return errors


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return shortened(safe_message(lines[0]), MAX_REASON).rstrip(".")
