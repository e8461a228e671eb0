"""Slices on the terminal."""

import io
from typing import Any

from rendered_tables import row
from rich.console import Console

from pipeline.summary.slices.slice_result import SliceResult
from pipeline.summary.slices.slice_table import MAX_ROWS, show_slices, slice_name


def one(accuracy: float = 0.9, **values: Any) -> SliceResult:
    fields = {"values": {"scanner": "B"}, "test_images": 1200, "accuracy": accuracy, "ece": 0.1}
    fields |= {"accuracy_low": 0.85, "accuracy_high": 0.95, "macro_f1": 0.5, "log_loss": 1.0}
    return SliceResult(**fields | values)


def shown(*slices: SliceResult, without_value: dict[str, int] | None = None) -> str:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    show_slices(console, list(slices), without_value or {}, 1500)
    return console.file.getvalue()


def test_a_row_has_the_accuracy_the_change_and_the_outcome_of_the_gate():
    lost = {"baseline_accuracy": 0.95, "change": -0.05, "limit": 0.02, "compared_images": 800}
    text = shown(
        one(values={"domain": "ward", "scanner": "A"}, **lost, passed=False),
        one(values={"scanner": "B"}, **lost),
        one(values={"sex": "F"}),
    )
    numbers = ["1,200", "0.900 ±0.05"]
    headings = ["slice", "images", "accuracy", "compared", "baseline", "change", "gate"]
    assert row(text, "slice") == headings
    assert row(text, "ward") == ["ward, scanner A", *numbers, "800", "0.950", "-0.050", "failed"]
    assert row(text, "scanner B") == ["scanner B", *numbers, "800", "0.950", "-0.050", "passed"]
    assert row(text, "sex F") == ["sex F", *numbers, "-", "-", "-", "-"]


def test_the_table_says_which_pictures_a_column_is_about_where_there_is_a_baseline():
    compared = one(baseline_accuracy=0.95, change=-0.05, compared_images=800)
    caption = (
        "accuracy: all images; baseline and change: the compared ones, in domains that the "
        "baseline was trained on"
    )
    assert caption in " ".join(shown(compared).split())
    assert "baseline and change" not in shown(one())


def test_of_many_slices_those_that_failed_and_the_lowest_are_shown_in_their_order():
    slices = [one(0.5 + 0.01 * n, values={"bed": str(n)}) for n in range(MAX_ROWS + 5)]
    slices.append(one(0.99, values={"bed": "last"}, limit=0.02, passed=False))
    text = shown(*slices)
    names = [line.split()[1] for line in text.splitlines() if line.strip().startswith("bed ")]
    assert names == [*map(str, range(MAX_ROWS - 1)), "last"]
    assert f"the lowest of {len(slices)}; 6 more in the report" in " ".join(text.split())


def test_pictures_without_a_value_are_counted():
    text = shown(one(), without_value={"scanner": 300, "sex": 0, "bed": 1500})
    assert "300 of 1,500 test pictures without a value of 'scanner'\n" in text
    assert "1,500 of 1,500 test pictures without a value of 'bed': it is not evaluated\n" in text
    assert "sex" not in text


def test_names_cannot_colour_or_fill_the_terminal():
    assert slice_name({"domain": "x" * 99, "a\n": "\x1b[31m"}) == f"{'x' * 30}..., a\\n \\x1b[31m"
    assert "[red]B[/red]" in shown(one(values={"scanner": "[red]B[/red]"}))


def test_without_slices_nothing_is_printed():
    assert shown() == ""
