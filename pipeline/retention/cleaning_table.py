"""What a cleaning removed, as a table on the terminal and as a sentence."""

from rich import box
from rich.table import Table

from pipeline.retention.cleaning import CleaningResult
from pipeline.retention.disk_size import readable_size
from pipeline.retention.removal import ROWS, Cleaned
from pipeline.terminal.plain_lines import print_line
from pipeline.terminal.safe_console import SafeConsole, plain
from pipeline.terminal.table_printing import print_table
from pipeline.workspace import Workspace
from trainer_module.contract.output_text.wording import listed, plural, quoted


def show_result(result: CleaningResult, workspace: Workspace, is_dry_run: bool) -> None:
    """Print what was removed, by kind, and which versions stay.

    Args:
        result: Result of the cleaning.
        workspace: Workspace that was cleaned.
        is_dry_run: Whether nothing was removed, and the table is what would be.
    """
    console = SafeConsole()
    show_removed(result.removed, is_dry_run)
    for versions in result.kept.versions:
        line = f"model {quoted(versions.store.name)}: {_stay(sorted(versions.served))}"
        console.print(plain(line), highlight=False, soft_wrap=True)
        if versions.in_use:
            numbers = listed(map(str, sorted(versions.in_use)))
            print_line(f"A server has loaded version {numbers}, so it stays.")
    verb = "would remove" if is_dry_run else "removed"
    what = f"{verb} {_total(result)}" if result.removed else "nothing to remove"
    if is_dry_run:
        what += " (dry run: nothing was changed)"
    console.print(plain(f"{workspace.root}: {what}"), highlight=False, soft_wrap=True)


def show_removed(removed: list[Cleaned], is_dry_run: bool) -> None:
    """Print what was removed, by kind.

    Args:
        removed: What was removed; no table without anything.
        is_dry_run: Whether nothing was removed, and the table is what would be.
    """
    if removed:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("to remove" if is_dry_run else "removed")
        table.add_column("number", justify="right", no_wrap=True)
        table.add_column("size", justify="right", no_wrap=True)
        for one in removed:
            table.add_row(one.kind, f"{one.count:,}", _size(one))
        print_table(SafeConsole(), table)
        if any(one.kind == ROWS for one in removed):
            print_line("Later executions use the room that these leave in metadata.sqlite.")


def describe_result(result: CleaningResult) -> str:
    """Return what was removed in one line, such as `removed 12.8 MB: 4 versions, 60 artifacts`."""
    counts = (f"{one.count:,} {one.kind}" for one in result.removed if one.size)
    return ": ".join(filter(None, (f"removed {readable_size(result.size)}", ", ".join(counts))))


def _total(result: CleaningResult) -> str:
    """Return the size of all that is removed, or what it is where nothing has a size."""
    if result.size:
        return readable_size(result.size)
    kinds = {one.kind for one in result.removed}
    return f"nothing but {ROWS if ROWS in kinds else 'empty folders'}"


def _size(one: Cleaned) -> str:
    """Return the size of what is removed, or why it has none."""
    if one.size:
        return readable_size(one.size)
    return "reused" if one.kind == ROWS else "empty"


def _stay(numbers: list[int]) -> str:
    if not numbers:
        return "no version is in the serving directory"
    verb = "stays" if len(numbers) == 1 else "stay"
    return f"{plural('version', len(numbers))} {', '.join(map(str, numbers))} {verb}"
