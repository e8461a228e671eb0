"""Rich's console with hostile names."""

import io
import re

import pytest
from hostile_names import HOSTILE, SHOWN, unprintable
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from pipeline.terminal.safe_console import SafeConsole, plain
from pipeline.terminal.table_printing import print_table


def console(**options: object) -> SafeConsole:
    return SafeConsole(file=io.StringIO(), width=300, **options)


def test_a_name_is_printed_on_one_line_and_is_no_markup():
    shown = console()
    shown.print(plain(HOSTILE))
    assert shown.file.getvalue() == f"{SHOWN}\n"


@pytest.mark.parametrize("form", [str, Text])
def test_a_name_that_was_not_escaped_is_printable_all_the_same(form):
    shown = console()
    shown.print(form(HOSTILE.replace("\n", "")), markup=False)
    assert unprintable(shown.file.getvalue()) == []
    assert r"\x1b]0;owned" in shown.file.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("width", [20, 300])
def test_a_table_has_one_row_per_name(width, terminal):
    shown = SafeConsole(file=io.StringIO(), width=width, force_terminal=terminal)
    table = Table(plain(HOSTILE), "number")
    table.add_row(plain(HOSTILE), "12")
    print_table(shown, table)
    text = re.sub(r"\x1b\[[\d;]*m", "", shown.file.getvalue())  # Rich's own colours
    assert unprintable(text) == []
    assert text.count(r"\x1b]0;owned") == 2


def test_a_spinner_still_moves_the_cursor():
    shown = console(force_terminal=True)
    with Progress(console=shown) as progress:
        progress.add_task(plain(HOSTILE), total=1)
    text = shown.file.getvalue()
    assert "\x1b[?25l" in text
    assert "\x1b]0;owned" not in text
    assert r"\x1b]0;owned\x07" in text
