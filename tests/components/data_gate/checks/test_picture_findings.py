from pathlib import Path
from typing import Any

import pytest
from tiny_catalog import random_look, row, write_chunks

from components.data_gate.checks.picture_findings import picture_findings

pytestmark = pytest.mark.component


def findings_of(folder: Path, *values: tuple[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Findings about a catalog of two chunks: kind and severity -> texts."""
    look = random_look(0)
    rows = [row(path.encode(), at, look) | changes for at, (path, changes) in enumerate(values)]
    findings: dict[str, list[str]] = {}
    for one in picture_findings(write_chunks(folder, rows[:1], rows[1:])):
        findings.setdefault(f"{one.kind}, {one.severity}", []).append(one.text)
    return findings


def test_ordinary_pictures_give_no_finding(tmp_path):
    plain = {"value_range": "", "blank": "", "rewritten": False, "more_pages": False}
    assert findings_of(tmp_path, ("a/b/1", plain), ("a/b/2", plain)) == {}


def test_one_range_per_domain_is_information(tmp_path):
    found = findings_of(
        tmp_path,
        ("cam12/a/1", {"value_range": "0 to 4095"}),
        ("cam8/a/2", {"value_range": "0 to 255"}),
        ("cam12/a/3", {"value_range": "0 to 4095"}),
        ("phone/a/4", {"value_range": ""}),
        ("scan/a/5", {"value_range": "its minimum to its maximum"}),
    )
    assert found == {
        "value_range, information": [
            "Scaled values of more than 8 bits to 8 bits, by the largest value of each picture: "
            "domain 'cam12' from 0 to 4095 (2 pictures), domain 'cam8' from 0 to 255 (1 picture) "
            "and domain 'scan' from its minimum to its maximum (1 picture)."
        ]
    }


def test_several_ranges_in_one_domain_are_a_warning(tmp_path):
    found = findings_of(
        tmp_path,
        ("x-ray/a/1", {"value_range": "0 to 16383"}),
        ("x-ray/a/2", {"value_range": "0 to 4095"}),
        ("cam/a/3", {"value_range": "0 to 1"}),
        ("x-ray/a/4", {"value_range": "0 to 4095"}),
    )
    assert found["value_range, warning"] == [
        "Scaled pictures of one domain from different ranges to 8 bits, so equal values differ in "
        "brightness: domain 'x-ray' from 0 to 4095 (2 pictures) and 0 to 16383 (1 picture). If "
        "they should not, save the pictures with 8 bits."
    ]
    assert "'cam' from 0 to 1 (1 picture)" in found["value_range, information"][0]


def test_blank_pictures_are_named_and_counted_per_domain(tmp_path):
    blank = [(f"night/a/{at}.png", {"blank": "one colour"}) for at in range(6)]
    found = findings_of(tmp_path, ("day/b/x.jpg", {"blank": "bottom 50%"}), *blank)
    assert found == {
        "blank_pictures, warning": [
            "Found 7 pictures of one colour, or with a block of one colour on one side, in 'day' "
            "(1) and 'night' (6). Look at them, and remove those that are damaged: 'day/b/x.jpg' "
            "(bottom 50%), 'night/a/0.png' (one colour), 'night/a/1.png' (one colour), "
            "'night/a/2.png' (one colour), 'night/a/3.png' (one colour) and 2 more (see blank.csv)."
        ]
    }


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("more_pages", "Read only the first page or frame of 2 pictures."),
        ("colour_profile", "Ignored the colour profile of 2 pictures, as serving does."),
        (
            "rewritten",
            "Stored 2 pictures as PNG, because TensorFlow decodes the original differently.",
        ),
    ],
)
def test_what_was_ignored_or_changed_is_counted_over_all_chunks(tmp_path, kind, text):
    found = findings_of(tmp_path, ("a/b/1", {kind: True}), ("a/b/2", {kind: True}), ("a/b/3", {}))
    assert found == {f"{kind}, information": [text]}
