"""Find the versions of a workspace's model, print them, and roll the newest back."""

from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from components.evaluation.statistics.accuracy_interval import accuracy_interval
from components.pusher.version_store import VersionStore
from pipeline.terminal.plain_lines import print_line
from pipeline.terminal.safe_console import SafeConsole, plain
from pipeline.terminal.table_printing import print_table
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError

#: Confidence level of the intervals in the list of versions.
CONFIDENCE = 0.9


def find_store(workspace: Path, name: str | None) -> VersionStore:
    """Return the versions of a workspace's model.

    Args:
        workspace: Folder of the workspace.
        name: Name of the model; None if the workspace has only one.

    Raises:
        InputError: No model has been pushed, there is no model of this name, the name is None and
            there are several models, or the folder of the models cannot be read.
    """
    serving = workspace.resolve() / "serving"
    try:
        names = sorted(path.name for path in serving.iterdir() if path.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        names = []
    except OSError as error:
        raise InputError(
            f"{serving} cannot be read: {error.strerror}. Give another workspace with "
            "--workspace DIR, or mend the rights of the folder."
        ) from None
    if not names:
        raise InputError(
            f"no model has been pushed to {serving} yet. Give the workspace of a run with "
            "--workspace DIR, or run: carryover run"
        )
    if name is None and len(names) > 1:
        raise InputError(f"{serving} holds several models. Give --name: {', '.join(names)}.")
    if name is not None and name not in names:
        raise InputError(f"{serving} has no model '{name}'. It holds: {', '.join(names)}.")
    return VersionStore(workspace.resolve(), name or names[0])


def serving_version(store: VersionStore) -> int:
    """Return the number of the serving version, which is the newest.

    Args:
        store: Versions of the model.

    Raises:
        InputError: There is no serving version.
    """
    newest = store.newest()
    if newest is None:
        raise InputError(f"there is no serving version in {store.serving}. Run: carryover run")
    return newest


def show_versions(store: VersionStore) -> None:
    """Print the versions in the serving directory, with their accuracy per domain.

    Behind ± is half the width of the accuracy's confidence interval, with the level `CONFIDENCE`.

    A version whose record is damaged is listed as such, and a line on stderr tells what to do.

    Args:
        store: Versions of the model.
    """
    damaged = store.damaged_pushes()
    versions = store.versions()
    pushes = {number: store.read_push(number) for number in versions if number not in damaged}
    domains = sorted({domain for push in pushes.values() for domain in push.domains})
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("version", "pushed (UTC)"):
        table.add_column(column, no_wrap=True)
    for domain in domains:
        table.add_column(plain(domain), justify="right", overflow="fold", min_width=5)
    for version in versions:
        name = f"{version}{' (serving)' if version == store.newest() else ''}"
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
    for number, error in damaged.items():
        print_line(f"carryover: version {number}: {error}", to_stderr=True)


def _accuracy(metrics: dict[str, Any]) -> str:
    accuracy, pictures = metrics.get("accuracy"), metrics.get("test_images")
    if accuracy is None:
        return "-"
    if not pictures:
        return f"{accuracy:.3f}"
    low, high = accuracy_interval(accuracy, pictures, CONFIDENCE)
    return f"{accuracy:.3f} ±{(high - low) / 2:.2f}"


def roll_back(store: VersionStore) -> None:
    """Take the newest version out of service, and print which version is the serving version now.

    Args:
        store: Versions of the model.

    Raises:
        InputError: There is no earlier version, or a run is using the workspace.
    """
    with Workspace(store.root).lock():
        try:
            removed, serving = store.roll_back()
        except ValueError as error:
            raise InputError(str(error)) from None
    folder = plain(str(store.rolled_back / str(removed)))
    SafeConsole().print(
        f"Version {removed} is out of service; it is kept in {folder}. "
        f"The serving version is now {serving}.",
        highlight=False,
        soft_wrap=True,
    )
