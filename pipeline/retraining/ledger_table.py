"""The ledger as a table on the terminal."""

from rich import box
from rich.console import Console
from rich.table import Table

from pipeline.retraining.batch import Batch
from pipeline.terminal.safe_console import plain
from pipeline.terminal.table_printing import print_table

COLOURS = {
    "pushed": "green",
    "rejected": "red",
    "failed": "red",
    "held": "yellow",
    "waiting": "yellow",
}


def show_ledger(batches: list[Batch], console: Console) -> None:
    """Print a row per batch.

    Args:
        batches: Batches in the order of arrival.
        console: Console to print to.
    """
    if not batches:
        console.print("no batch has arrived yet")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", justify="right")
    for name in ("batch", "taken", "outcome"):
        table.add_column(name, no_wrap=name == "taken")
    table.add_column("version", justify="right")
    table.add_column("why", overflow="fold")
    for batch in batches:
        colour = COLOURS.get(batch.state, "")
        outcome = f"[{colour}]{batch.state}[/{colour}]" if colour else batch.state
        # `carryover accept` needs the run.
        run = f" (run {batch.run_id})" if batch.state == "rejected" else ""
        outcome += f", replaced by {batch.replaced_by}" if batch.replaced_by else ""
        table.add_row(
            str(batch.number),
            plain(batch.name),
            batch.taken_at[:16].replace("T", " "),
            outcome,
            str(batch.version or ""),
            plain(batch.reason + run),
        )
    print_table(console, table, sentences="why")
