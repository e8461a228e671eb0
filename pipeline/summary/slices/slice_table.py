"""The slices of a run on the terminal: accuracy, change, and outcome of the gate."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.summary.slices.slice_result import SliceResult
from pipeline.terminal.safe_console import plain
from pipeline.terminal.table_printing import print_table
from trainer_module.contract.output_text.wording import counted
from trainer_module.contract.printable_names import shortened

#: Most slices that are shown; of more, those that failed and those with the lowest accuracy.
MAX_ROWS = 12

#: Most characters of a name or a value.
MAX_NAME = 30


def show_slices(
    console: Console, slices: list[SliceResult], without_value: dict[str, int], pictures: int
) -> None:
    """Print a table of slices, and how many pictures have no value. Without slices, print nothing.

    Args:
        console: Console to print on.
        slices: Results of the slices.
        without_value: Number of test pictures without a value, by column.
        pictures: Number of all test pictures.
    """
    if slices:
        print_table(console, _table(slices))
    for name, count in without_value.items():
        if count:
            consequence = ": it is not evaluated" if count == pictures else ""
            text = f"{count:,} of {counted(pictures, 'test picture')} without a value of "
            text += f"'{shortened(name, MAX_NAME)}'{consequence}"
            console.print(Text(text, "yellow"), highlight=False, soft_wrap=True)


def slice_name(values: dict[str, str]) -> str:
    """Return the values of a slice for a table, such as "ward, scanner B".

    Args:
        values: Column -> value; that of the domain is shown without its name.
    """
    return ", ".join(
        shortened(value, MAX_NAME)
        if name == "domain"
        else f"{shortened(name, MAX_NAME)} {shortened(value, MAX_NAME)}"
        for name, value in values.items()
    )


def _table(slices: list[SliceResult]) -> Table:
    worst = sorted(slices, key=lambda one: (one.passed, one.accuracy))[:MAX_ROWS]
    shown = [one for one in slices if any(one is other for other in worst)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("slice", overflow="fold")
    for heading in ("images", "accuracy", "compared", "baseline", "change", "gate"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in shown:
        half = (one.accuracy_high - one.accuracy_low) / 2
        table.add_row(
            plain(slice_name(one.values)),
            f"{one.test_images:,}",
            f"{one.accuracy:.3f} ±{half:.2f}",
            f"{one.compared_images:,}" if one.compared_images else "-",
            "-" if one.baseline_accuracy is None else f"{one.baseline_accuracy:.3f}",
            "-" if one.change is None else f"{one.change:+.3f}",
            _outcome(one),
        )
    captions = []
    if any(one.compared_images for one in shown):
        captions.append(
            "accuracy: all images; baseline and change: the compared ones, in domains that the "
            "baseline was trained on"
        )
    if hidden := len(slices) - len(shown):
        captions.append(f"the lowest of {len(slices):,}; {hidden:,} more in the report")
    table.caption, table.caption_justify = "\n".join(captions), "left"
    return table


def _outcome(one: SliceResult) -> str:
    if one.limit is None:
        return "-"
    return "[green]passed[/green]" if one.passed else "[red]failed[/red]"
