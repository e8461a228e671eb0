import pytest

from pipeline.retraining.deliveries.batch_store import BatchRow
from pipeline.retraining.deliveries.left_out_files import (
    describe_left_out,
    left_out,
    with_left_out,
)

MISPLACED = "not in <domain>/<class>/"


def row(name: str, reason: str = "") -> BatchRow:
    made = BatchRow(path=name, name=name, domain="night", label="cat", sha256="00")
    if reason:
        made["reason"] = reason
    return made


GOOD = row("night/cat/1.png")


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([], ""),
        ([row("a.png", MISPLACED)], f"1 file is left out: 1 {MISPLACED} (a.png)"),
        (
            [row("a.png", MISPLACED), row("night/b.png", MISPLACED)],
            f"2 files are left out: 2 {MISPLACED} (a.png, night/b.png)",
        ),
        (
            [row(f"night/{n}.png", MISPLACED) for n in range(1200)],
            f"1,200 files are left out: 1,200 {MISPLACED} (night/0.png, night/1.png, night/2.png, "
            "...)",
        ),
        (
            [
                row("x.png", "damaged: half of it"),
                row("a.png", MISPLACED),
                row("y.png", "damaged: all of it"),
            ],
            f"3 files are left out: 2 damaged (x.png, y.png; the first: half of it), "
            f"1 {MISPLACED} (a.png)",
        ),
        (
            [row("caf\udce9\x1b[31m\n.png", "empty file")],
            "1 file is left out: 1 empty file (caf\\udce9\\x1b[31m\\n.png)",
        ),
    ],
)
def test_files_are_counted_by_reason_and_the_first_are_named(rows, text):
    assert describe_left_out([GOOD, *rows]) == text
    assert left_out([GOOD, *rows]) == rows


def test_what_is_wrong_with_the_first_file_of_a_kind_is_told():
    rows = [row("a.png", "malformed row: line 3: split must be one of train, eval, test")]
    text = "malformed row (a.png: line 3: split must be one of train, eval, test)"
    assert describe_left_out(rows) == f"1 file is left out: 1 {text}"
    [long] = [row("a.png", f"cannot be opened: {'x' * 999}")]
    assert len(describe_left_out([long])) < 240


def test_the_reason_of_a_manifest_says_how_to_deliver_what_is_repaired():
    rows = [GOOD, row("a.png", "damaged")]
    once = with_left_out("good", rows, "/inbox/rain.csv")
    assert once == (
        "good; 1 file is left out: 1 damaged (a.png). To deliver files that are repaired, touch "
        "rain.csv"
    )
    assert with_left_out(once, rows, "/inbox/rain.csv") == once
    assert with_left_out("good", [GOOD], "/inbox/rain.csv") == "good"


def test_a_reason_names_the_files_once():
    rows = [GOOD, row("a.png", MISPLACED)]
    once = with_left_out("good", rows)
    assert once == f"good; 1 file is left out: 1 {MISPLACED} (a.png)"
    assert with_left_out(once, rows) == once
    assert with_left_out("good", [GOOD]) == "good"
