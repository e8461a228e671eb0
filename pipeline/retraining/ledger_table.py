"""The ledger, for people."""

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.retraining.ledger import Entry

COLOURS = {"pushed": "green", "rejected": "red", "failed": "red", "held": "yellow"}


def show_history(entries: list[Entry], console: Console) -> None:
    """Print a row per batch, in the order of arrival."""
    if not entries:
        console.print("no batch has arrived yet")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", justify="right")
    for name in ("batch", "taken", "outcome"):
        table.add_column(name, no_wrap=name == "taken")
    table.add_column("version", justify="right")
    table.add_column("why", overflow="fold")
    for entry in entries:
        colour = COLOURS.get(entry.state, "")
        outcome = f"[{colour}]{entry.state}[/{colour}]" if colour else entry.state
        outcome += f", replaced by {entry.replaced_by}" if entry.replaced_by else ""
        table.add_row(
            str(entry.number),
            escape(entry.name),
            entry.taken_at[:16].replace("T", " "),
            outcome,
            str(entry.version or ""),
            escape(entry.reason),
        )
    console.print(table, highlight=False)
