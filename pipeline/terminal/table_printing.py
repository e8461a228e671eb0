"""Tables on terminals of any width, and in files."""

import copy
import dataclasses
import io

from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from pipeline.terminal.safe_console import SafeConsole

#: Width that is wide enough for every table.
_UNLIMITED = 100_000

#: Smallest width of a column with sentences.
_SENTENCE_WIDTH = 12


def print_table(console: Console, table: Table, sentences: str = "") -> None:
    """Print a table in which every name and number can be read, however narrow the terminal is.

    Rich would cut words and leave columns out. Here a row that needs more columns than the
    terminal has is longer than a line, and the terminal continues it on the next line.

    Off a terminal, every row is one line without spaces at its end, however long it is. With
    sentences, no line is drawn under the headings there.

    Args:
        console: Console of the user.
        table: Table to print.
        sentences: Heading of the column with sentences, whose words may be broken.
    """
    if not console.is_terminal:
        for line in _unwrapped(table, sentences):
            console.print(Text(line), highlight=False, soft_wrap=True)
        return
    fitted = _with_limits(table, sentences, _SENTENCE_WIDTH)
    measured = Measurement.get(console, console.options.update(width=_UNLIMITED), fitted)
    if measured.minimum > console.width:
        console = SafeConsole(
            file=console.file,
            width=measured.minimum,
            force_terminal=True,
            color_system=console.color_system,
        )
    rest = max(0, console.width - measured.maximum)
    console.print(_with_limits(table, sentences, _SENTENCE_WIDTH + rest), highlight=False)


def _unwrapped(table: Table, sentences: str) -> list[str]:
    """Return the lines of a table that is as wide as its cells need.

    Args:
        table: Table to draw.
        sentences: Heading of the column with sentences.
    """
    fitted = _with_limits(table, sentences, _UNLIMITED)
    fitted.caption = None  # it would be wrapped to the width of the columns
    file = io.StringIO()
    console = SafeConsole(file=file, width=_UNLIMITED, force_terminal=False)
    console.width = Measurement.get(console, console.options, fitted).maximum
    console.print(fitted, highlight=False)
    lines = [line.rstrip() for line in file.getvalue().removesuffix("\n").split("\n")]
    if sentences:  # the line under the headings would be as long as the longest sentence
        lines = [line for line in lines if set(line) - set(" ─") or not line]
    return [*lines, str(table.caption)] if table.caption else lines


def _with_limits(table: Table, sentences: str, width: int) -> Table:
    """Return a table whose columns have the width that they need at least.

    Args:
        table: Table to copy.
        sentences: Heading of the column with sentences.
        width: Largest width of that column.
    """
    limited = copy.copy(table)
    limited.columns = [
        dataclasses.replace(column, max_width=width)
        if sentences and column.header == sentences
        else _with_minimum(column)
        for column in table.columns
    ]
    return limited


def _with_minimum(column: Column) -> Column:
    if not column.no_wrap:
        return column
    # Rich takes the longest word for it, also where the words stay in one line.
    cells = (str(cell) for cell in (column.header, *column.cells))
    width = max(Text.from_markup(cell, emoji=False).cell_len for cell in cells)
    limit = width if column.max_width is None else column.max_width
    return dataclasses.replace(column, min_width=min(width, limit))
