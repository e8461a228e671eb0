"""Publishing at the end of another command, whose result it never changes."""

import contextlib
import shlex
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from components.pusher.version_store import VersionStore
from pipeline.config.config_file import load_config
from pipeline.config.publish_options import PublishOptions
from pipeline.publishing.publish_process import publish_logged
from pipeline.publishing.publish_state import FILE, read_states
from pipeline.publishing.publishing import Show, failure_reason, targets
from pipeline.publishing.targets import BUNDLES_IN
from pipeline.terminal.plain_lines import print_line
from pipeline.version_lookup import find_store, serving_version
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError


@contextlib.contextmanager
def published_at_end(
    options: PublishOptions, store: VersionStore, log: Path, show: Show
) -> Iterator[None]:
    """Publish what the block, or an earlier one, has made, also where a run in it failed.

    After bad input or an interrupt nothing is published: nothing was made, or nobody waits. The
    block takes and releases the lock of the workspace: nobody waits for a target to get it.

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
    so is a target that was only ever named by hand: it is told nothing, and has to be by hand.

    Args:
        workspace: Folder of the workspace.
        name: Name of the model, see `find_store`.
    """
    try:
        store = find_store(workspace, name)
        options = read_publish_options(store)
        publish_logged(options, store, Workspace(store.root).log("publish"), _warn)
        told = {target.name for target in targets(options, store.name)}
        for text in _describe_wrong_marks(store, told):
            _warn(text)
    except Exception as error:
        # Without the file, nothing has ever been published.
        if (workspace / FILE).exists() or not isinstance(error, InputError):
            _warn(f"not published: {failure_reason(error)}")


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
    if not is_inherited:
        given["data"] = store.root  # the only key without a default; nothing is read of it
    return load_config(path, list(overrides), given, is_inherited).resolved().publish


def _describe_wrong_marks(store: VersionStore, told: Collection[str]) -> list[str]:
    """Return what is wrong on targets that call another version than the newest the serving one.

    Args:
        store: Versions of the model.
        told: Names of targets that are left out: they were told of the change.
    """
    prefix, newest = f"{store.name}: ", store.newest()
    publish = shlex.join(["carryover", "publish", "--workspace", str(store.root)])
    texts = []
    for key, state in read_states(store.root).items():
        name = key.removeprefix(prefix)
        if not key.startswith(prefix) or name in told or state.serving in (None, newest):
            continue
        if name.startswith(BUNDLES_IN):
            mark = f"file {store.name}-serving.txt"
            setting = shlex.quote(f"publish.bundles={name.removeprefix(BUNDLES_IN)}")
        else:  # its URI is kept without credentials
            mark, setting = "alias `serving`", "publish.mlflow=URI"
        texts.append(
            f"{name}: unchanged, as no config names this target. Its {mark} still names version "
            f"{state.serving}, not {newest}; change that with: {publish} --set {setting}"
        )
    return texts


def _warn(text: str) -> None:
    print_line(f"carryover: {text}", to_stderr=True)
