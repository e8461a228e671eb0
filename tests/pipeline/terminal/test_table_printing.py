"""Tables on terminals of any width, and in files."""

import io

import pytest
from rich import box
from rich.console import Console
from rich.table import Table

from pipeline.retraining.batch import Batch
from pipeline.retraining.ledger_table import show_ledger
from pipeline.terminal.table_printing import print_table

DOMAINS = ("line-art", "night_and_fog", "日本の写真", "a-very-long-name-of-one-domain")
WIDTHS = [1, 5, 20, 40, 60, 80, 200]


def terminal(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)


def printed(table: Table, width: int) -> str:
    console = terminal(width)
    print_table(console, table)
    return console.file.getvalue()


def domain_table() -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("domain", overflow="fold")
    for name in ("images", "accuracy", "baseline", "change"):
        table.add_column(name, justify="right", no_wrap=True)
    for domain in DOMAINS:
        table.add_row(domain, "12,345", "[bold]0.987[/bold]", "0.900", "+0.087")
    return table


@pytest.mark.parametrize("width", WIDTHS)
def test_names_and_numbers_are_whole_at_every_width(width):
    lines = printed(domain_table(), width).splitlines()
    for domain in DOMAINS:
        [line] = [line for line in lines if domain in line]
        assert line.split() == [domain, "12,345", "0.987", "0.900", "+0.087"]


@pytest.mark.parametrize("width", WIDTHS)
def test_domains_as_headings_are_whole_at_every_width(width):
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("version", no_wrap=True)
    for domain in DOMAINS:
        table.add_column(domain, justify="right", overflow="fold", min_width=5)
    table.add_row("12 (serving)", *["0.987"] * len(DOMAINS))
    text = printed(table, width)
    assert all(domain in text for domain in DOMAINS)
    assert text.count("0.987") == len(DOMAINS)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_ledger_breaks_only_its_sentences(width):
    path = "/a/very/long/path/of/some/file/that/is/longer/than/any/line/of/a/terminal.csv"
    rest = {"attempts": 0, "finished_at": None, "digest": "", "source": "", "stamp": ""}
    batch = Batch(
        number=7,
        name="2026-line-art",
        taken_at="2026-11-24T23:00:00",
        state="too_little_data",
        reason=f"held: {path} is missing",
        numbers={},
        run_id=None,
        version=None,
        **rest,
    )
    console = terminal(width)
    show_ledger([batch], console)
    text = console.file.getvalue()
    assert "2026-line-art" in text
    assert "too_little_data" in text
    assert "2026-11-24 23:00" in text
    lines = [line.rstrip() for line in text.splitlines()]
    assert max(map(len, lines)) <= max(width, 80)
    start = next(line.index("why") for line in lines if "why" in line)
    assert path in "".join(line[start:].strip() for line in lines)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_table_that_fits_is_not_wider_than_the_terminal(width):
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("domain", overflow="fold")
    table.add_column("images", no_wrap=True)
    table.add_row("two words " * 30, "12")
    assert max(map(len, printed(table, width).splitlines())) <= width


def test_off_a_terminal_every_row_is_one_line_without_spaces_at_its_end():
    reason = "a long reason " * 30
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("domain", "accuracy", "why"):
        table.add_column(name, overflow="fold")
    table.add_row("fog", "[bold]0.5[/bold]", reason)
    table.add_row("日本の写真", "0.75", "")
    table.caption = "a caption that is wider than its table, " * 15 + "too"
    file = io.StringIO()
    print_table(Console(file=file, width=30), table, sentences="why")
    lines = file.getvalue().splitlines()
    assert [line.rstrip() for line in lines] == lines
    rows = [line.split(maxsplit=2) for line in lines]
    assert ["fog", "0.5", reason.strip()] in rows
    assert ["日本の写真", "0.75"] in rows
    assert lines[-1] == table.caption
    assert "─" not in file.getvalue()
