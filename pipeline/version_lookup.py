"""Find the versions of a workspace's model, print them, and roll the newest back."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from components.evaluation.statistics.accuracy_interval import accuracy_interval
from components.pusher.rollback_record import Rollback, read_rollback, write_rollback
from components.pusher.version_files import FileDamage, describe_damages, find_damages
from components.pusher.version_store import REMOVED_FOLDER, ROLLED_BACK_FOLDER, Push, VersionStore
from pipeline.config.run_config import MODEL_NAME
from pipeline.terminal.plain_lines import print_line
from pipeline.terminal.safe_console import SafeConsole, plain
from pipeline.terminal.table_printing import print_table
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION

#: Confidence level of the intervals in the list of versions.
CONFIDENCE = 0.9


def find_store(workspace: Path, name: str | None, option: str = "--workspace DIR") -> VersionStore:
    """Return the versions of a workspace's model.

    Args:
        workspace: Folder of the workspace.
        name: Name of the model; None if the workspace has only one.
        option: Option that names the workspace, for messages.

    Raises:
        InputError: No model has been pushed, there is no model of this name, the name is None and
            there are several models, or the folder of the models cannot be read.
    """
    serving = workspace.resolve() / "serving"
    try:
        names = sorted(path.name for path in serving.iterdir() if _is_model(path))
    except (FileNotFoundError, NotADirectoryError):
        names = []
    except OSError as error:
        raise InputError(
            f"{serving} cannot be read: {error.strerror}. Give another workspace with {option}, or "
            "mend the rights of the folder."
        ) from None
    if not names:
        raise InputError(
            f"no model has been pushed to {serving} yet. Give the workspace of a run with "
            f"{option}, or run: carryover run"
        )
    if name is None and len(names) > 1:
        raise InputError(f"{serving} holds several models. Give --name: {', '.join(names)}.")
    if name is not None and name not in names:
        raise InputError(f"{serving} has no model '{name}'. It holds: {', '.join(names)}.")
    return VersionStore(workspace.resolve(), name or names[0])


def find_stores(workspace: Path) -> list[VersionStore]:
    """Return the versions of every model, also of one that has none in the serving directory.

    Args:
        workspace: Folder of the workspace.
    """
    parents = ("serving", ROLLED_BACK_FOLDER, REMOVED_FOLDER)
    folders = [workspace / parent for parent in parents]
    names = {path.name for folder in folders for path in folder.glob("*") if _is_model(path)}
    return [VersionStore(workspace, name) for name in sorted(names)]


def _is_model(path: Path) -> bool:
    """Return whether a path in `serving` is a model, and no folder of network storage."""
    return MODEL_NAME.fullmatch(path.name) is not None and path.is_dir()


def find_rollbacks(
    workspace: Path, pushed: Iterable[tuple[str, int | None]] = ()
) -> dict[tuple[str | None, int | None], Rollback]:
    """Return the rollbacks of all models, by the digest of the batch and by the version.

    Args:
        workspace: Folder of the workspace.
        pushed: Digests of batches and the versions that were pushed for them. Versions that were
            deleted after their rollback are known by these alone.
    """
    stores = find_stores(workspace)
    deleted: dict[tuple[str | None, int | None], Rollback] = {
        (batch, version): Rollback()
        for batch, version in pushed
        if stores and version and all(store.is_rolled_back(version) for store in stores)
    }
    return deleted | {
        (push.batch, number): read_rollback(store.rolled_back / str(number))
        for store in stores
        for number, push, is_serving in store.records()
        if isinstance(push, Push) and not is_serving
    }


def serving_version(store: VersionStore) -> int:
    """Return the number of the serving version, which is the newest.

    Args:
        store: Versions of the model.

    Raises:
        UnavailableError: There is no serving version.
    """
    newest = store.newest()
    if newest is None:
        raise UnavailableError(
            f"there is no serving version in {store.serving}. Run: carryover run"
        )
    return newest


def show_versions(store: VersionStore) -> None:
    """Print all versions with their accuracy per domain, and why they were accepted or rolled back.

    Behind ± is half the width of the accuracy's confidence interval, with the level `CONFIDENCE`.

    A version whose record is damaged is listed as such, and a line on stderr tells what to do.

    Args:
        store: Versions of the model.
    """
    damaged = store.damaged_pushes()
    pushes = {number: push for number, push, _ in store.records() if isinstance(push, Push)}
    rolled_back = store.rolled_back_versions()
    removed = store.removed_versions()
    domains = sorted({domain for push in pushes.values() for domain in push.domains})
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("version", "pushed (UTC)"):
        table.add_column(column, no_wrap=True)
    for domain in domains:
        table.add_column(plain(domain), justify="right", overflow="fold", min_width=5)
    for version in sorted([*store.versions(), *removed, *rolled_back]):
        mark = " (removed)" if version in removed else ""
        mark = " (rolled back)" if version in rolled_back else mark
        name = f"{version}{' (serving)' if version == store.newest() else mark}"
        if version in damaged:
            table.add_row(name, "damaged", *("-" for _ in domains))
            continue
        push = pushes[version]
        table.add_row(
            name,
            push.pushed_at[:16].replace("T", " "),
            *(_accuracy(push.domains.get(domain, {})) for domain in domains),
        )
    console = SafeConsole()
    print_table(console, table)
    console.print(plain(str(store.serving)), highlight=False, soft_wrap=True)
    for line in _reasons(store, pushes):
        console.print(plain(line), highlight=False, soft_wrap=True)
    for number, error in damaged.items():
        print_line(f"carryover: version {number}: {error}", to_stderr=True)
    for number in store.versions():
        if damages := recorded_damages(store, number):
            text = f"{describe_damages(store.path(number), damages)}. {RESTORE_VERSION}"
            print_line(f"carryover: {text}", to_stderr=True)


def _reasons(store: VersionStore, pushes: dict[int, Push]) -> list[str]:
    """Return why versions were accepted or rolled back, a line each."""
    lines = [
        f"Version {number} was accepted: {push.accepted}"
        for number, push in sorted(pushes.items())
        if push.accepted
    ]
    for number in store.rolled_back_versions():
        rollback = read_rollback(store.rolled_back / str(number))
        if rollback.rolled_back_at:
            lines.append(f"Version {number} was {rollback}")
    return lines


def _accuracy(metrics: dict[str, Any]) -> str:
    accuracy, pictures = metrics.get("accuracy"), metrics.get("test_images")
    if accuracy is None:
        return "-"
    if not pictures:
        return f"{accuracy:.3f}"
    low, high = accuracy_interval(accuracy, pictures, CONFIDENCE)
    return f"{accuracy:.3f} ±{(high - low) / 2:.2f}"


def roll_back(store: VersionStore, reason: str = "") -> None:
    """Take the newest version out of service, and print which version is the serving version now.

    Args:
        store: Versions of the model.
        reason: Reason; it is kept with the version.

    Raises:
        InputError: There is no earlier version, it has lost files without which it cannot serve, or
            a run is using the workspace.
    """
    with Workspace(store.root).lock():
        _check_earlier(store)
        try:
            removed, serving = store.roll_back(lambda version: _keep_reason(version, reason))
        except ValueError as error:
            raise InputError(str(error)) from None
    folder = plain(str(store.rolled_back / str(removed)))
    SafeConsole().print(
        f"Version {removed} is out of service; it is kept in {folder}. "
        f"The serving version is now {serving}. To put version {removed} back, move that folder to "
        f"{plain(str(store.path(removed)))}.",
        highlight=False,
        soft_wrap=True,
    )


def _keep_reason(version: Path, reason: str) -> None:
    try:
        write_rollback(version, reason)
    except OSError as error:  # a full disk keeps no version in service
        text = f"carryover: the reason of the rollback is not kept: {error.strerror}"
        print_line(text, to_stderr=True)


def _check_earlier(store: VersionStore) -> None:
    """Refuse a rollback to a version that cannot serve, and warn of other lost files.

    Raises:
        InputError: The version before the serving one has lost files without which it cannot serve.
    """
    earlier = store.versions()[-2:-1]
    damages = [damage for number in earlier for damage in recorded_damages(store, number)]
    if not damages:
        return
    folder = store.path(*earlier)
    needed = [damage for damage in damages if damage.prevents_serving]
    if needed:
        raise InputError(
            f"{describe_damages(folder, needed)}. It cannot serve: restore it from a backup, or "
            "move its folder out of the workspace."
        )
    text = f"{describe_damages(folder, damages)}. It serves, but restore it before you retrain."
    print_line(f"carryover: {text}", to_stderr=True)


def recorded_damages(store: VersionStore, version: int) -> list[FileDamage]:
    """Return the lost files of a version in the serving directory.

    Nothing is known of a version without a record, or with a damaged one, or of one that was pushed
    before the list of files was kept.

    Args:
        store: Versions of the model.
        version: Number of the version.
    """
    try:
        return find_damages(store.path(version), store.read_push(version).files)
    except InputError:
        return []
