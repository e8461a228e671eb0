"""The table of classes stays readable, and the file has every class of every domain."""

import csv
import io
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.inspecting.class_table import ClassCounts, show_classes, write_class_counts

CSV = Path("classes.csv")


def shown(counts: ClassCounts, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    show_classes(console, counts, CSV)
    return console.file.getvalue().splitlines()


def counted(domains: list[str], classes: list[str], train: int = 7) -> ClassCounts:
    return ClassCounts(
        Counter(
            {
                (d, c, split): n
                for d in domains
                for c in classes
                for split, n in (("train", train), ("test", 2))
            }
        )
    )


def test_every_class_has_its_number_of_pictures_in_every_domain():
    counts = counted(["day", "night"], ["car", "bus"])
    del counts.pictures["night", "bus", "train"], counts.pictures["night", "bus", "test"]
    counts.pictures["day", "car", "eval"] = 1_000
    lines = shown(counts, 80)
    assert lines[1].split() == ["class", "day", "night"]
    assert [line.split() for line in lines[3:5]] == [["bus", "9", "-"], ["car", "1,009", "9"]]
    assert lines[-1] == "pictures per class: classes.csv"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_of_300_classes_the_first_are_shown_and_the_others_counted(width):
    counts = counted(["day", "night"], [f"class {number:03d}" for number in range(300)])
    lines = shown(counts, width)
    assert sum("class 0" in line for line in lines) == 15
    assert lines[-1] == "pictures per class (285 more classes in the file): classes.csv"
    assert max(map(len, lines[:-1])) <= width


@pytest.mark.parametrize(("width", "columns"), [(40, 4), (80, 9), (1000, 30)])
def test_domains_that_do_not_fit_are_counted(width, columns):
    counts = counted([f"d{number:02d}" for number in range(30)], ["car"])
    lines = shown(counts, width)
    assert len(lines[1].split()) == columns + 1
    assert (f"({30 - columns} more domains in the file)" in lines[-1]) == (columns < 30)


def test_long_names_of_domains_are_told_apart():
    lines = shown(counted(["hospital-north-one", "hospital-north-two"], ["ok"]), 60)
    assert lines[1].split() == ["class", "hospital-north-one", "hospital-north-two"]


@pytest.mark.parametrize(
    "start", ["hospital of the university of the north, ", "猫" * 20, "é" * 31]
)
def test_names_that_are_cut_are_told_apart_by_their_ends(start):
    lines = shown(counted([f"{start}one", f"{start}two"], [f"{start}good", f"{start}bad"]), 120)
    assert "one" in lines[1]
    assert "two" in lines[1]
    assert [line.split("  ")[0].strip()[-3:] for line in lines[3:5]] == ["bad", "ood"]


@pytest.mark.parametrize("name", ["c" * 200, "a\x1b[31m", "two\nlines", "[red]x[/red]", "猫" * 30])
def test_odd_and_long_names_stay_on_one_line(name):
    lines = shown(counted([name], [name, "other"]), 60)
    assert len(lines) == len(shown(counted(["day"], ["car", "other"]), 60))
    assert all(line.isprintable() for line in lines)


def test_the_file_has_the_splits_of_every_class_in_every_domain(tmp_path):
    counts = counted(["day", 'night, "x"'], ["car", "bus"])
    write_class_counts(counts, tmp_path / "classes.csv")
    with (tmp_path / "classes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert rows[0] == {
        "domain": "day", "class": "bus", "pictures": "9", "train": "7", "eval": "0", "test": "2"
    }  # fmt: skip
    assert rows[-1]["domain"] == 'night, "x"'
