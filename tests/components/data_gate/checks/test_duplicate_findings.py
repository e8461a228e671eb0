from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_catalog import LOOK_BITS, random_look, row, with_flipped, write_chunks

from components.data_gate.checks import duplicates
from components.data_gate.checks.duplicate_findings import duplicate_findings
from components.data_gate.checks.duplicates import Duplicates, find_duplicates
from components.data_gate.checks.hamming_search import MAX_SHARE

pytestmark = pytest.mark.component

MAX_BITS = int(LOOK_BITS * MAX_SHARE)


@pytest.fixture(name="find")
def _find(tmp_path: Path) -> Callable[..., Duplicates]:
    return lambda *chunks: find_duplicates(write_chunks(tmp_path, *chunks))


def described(found: Duplicates) -> dict[str, tuple[str, str]]:
    """Kind of finding -> severity and text."""
    return {one.kind: (one.severity, one.text) for one in duplicate_findings(found)}


def test_pictures_without_a_shape_are_no_lookalikes(find):
    blank = np.r_[1, np.zeros(LOOK_BITS - 1, int)]
    found = find(
        [
            row(b"day/cat/a.png", 1, blank),
            row(b"day/dog/b.png", 2, blank, "test"),
            row(b"night/dog/c.png", 3, with_flipped(blank, 2)),
        ]
    )
    assert found.pairs == []
    assert duplicate_findings(found) == []


def test_copies_are_counted_across_the_parts_of_a_catalog(find):
    look = random_look(0)
    found = find(
        [row(b"day/cat/a.png", 1, look), row(b"day/cat/b.png", 2, random_look(1))],
        [],
        [row(b"day/cat/c.png", 1, look), row(b"day/cat/d.png", 1, look)],
    )
    assert (found.copies, found.conflicts, found.total) == (2, 0, 2)
    assert [(pair.first.image_id, pair.second.image_id, pair.kind) for pair in found.pairs] == [
        (b"day/cat/a.png", b"day/cat/c.png", "copy"),
        (b"day/cat/a.png", b"day/cat/d.png", "copy"),
    ]
    severity, text = described(found)["copies"]
    assert severity == "information"
    assert text.startswith("Found 2 files with the content of another file.")


def test_the_same_picture_under_two_labels_is_a_conflict(find):
    look = random_look(0)
    found = find([row(b"day/cat/a.png", 1, look), row(b"day/dog/b.png", 1, look)])
    assert (found.copies, found.conflicts) == (1, 1)
    severity, text = described(found)["label_conflict"]
    assert severity == "warning"
    assert text.startswith("Found 1 picture under more than one label.")
    assert text.endswith("the same picture is 'cat' and 'dog': 'day/cat/a.png', 'day/dog/b.png'.")


def test_the_same_picture_in_two_domains_under_one_label_is_information_only(find):
    look = random_look(0)
    found = find([row(b"day/cat/a.png", 1, look), row(b"night/cat/a.png", 1, look)])
    assert {kind: severity for kind, (severity, _) in described(found).items()} == {
        "copies": "information",
        "lookalike_domains": "information",
    }


def test_lookalikes_differ_in_at_most_24_of_256_bits(find):
    look, other = random_look(0), random_look(1)
    found = find(
        [
            row(b"day/cat/a.png", 1, look),
            row(b"day/cat/b.png", 2, with_flipped(look, MAX_BITS)),
            row(b"day/cat/c.png", 3, other),
            row(b"day/cat/d.png", 4, with_flipped(other, MAX_BITS + 1)),
        ]
    )
    (pair,) = found.pairs
    assert (pair.first.image_id, pair.second.image_id) == (b"day/cat/a.png", b"day/cat/b.png")
    assert (pair.kind, pair.bits) == ("lookalike", MAX_BITS)
    assert duplicate_findings(found) == []  # in one split and one domain they do no harm


def test_lookalikes_in_two_splits_are_a_warning(find):
    look = random_look(0)
    found = find(
        [
            row(b"day/cat/a.png", 1, look),
            row(b"day/cat/b.png", 2, with_flipped(look, 2), "test"),
        ]
    )
    (finding,) = duplicate_findings(found)
    assert (finding.kind, finding.severity) == ("lookalike_splits", "warning")
    assert finding.text.startswith("Found 1 pair of pictures that look alike but are in different")
    assert finding.text.endswith("'day/cat/a.png' (train) and 'day/cat/b.png' (test).")


def test_lookalikes_in_two_domains_are_information(find):
    look = random_look(0)
    found = find(
        [row(b"day/cat/a.png", 1, look), row(b"night/cat/b.png", 2, with_flipped(look, 2))]
    )
    (finding,) = duplicate_findings(found)
    assert (finding.kind, finding.severity) == ("lookalike_domains", "information")
    assert finding.text.endswith("'day/cat/a.png' (day) and 'night/cat/b.png' (night).")


def test_findings_name_three_pairs_and_count_all(find):
    look = random_look(0)
    splits = ("train", *["test"] * 5)
    ids = [b"day/cat/%d.png" % number for number in range(6)]
    rows = zip(ids, range(6), splits, strict=True)
    found = find([row(image_id, content, look, split) for image_id, content, split in rows])
    _, text = described(found)["lookalike_splits"]
    assert text.startswith("Found 5 pairs ")
    assert text.count("(test)") == 3


def test_where_not_all_pairs_are_listed_the_most_serious_are(find, monkeypatch):
    monkeypatch.setattr(duplicates, "MAX_PAIRS", 2)
    look = random_look(0)
    found = find(
        [
            row(b"day/cat/a.png", 1, look),
            row(b"day/cat/b.png", 1, look),
            row(b"night/cat/c.png", 1, look),
            row(b"day/cat/d.png", 1, look, "test"),
            row(b"day/dog/e.png", 1, look),
        ]
    )
    assert [pair.second.image_id for pair in found.pairs] == [b"day/dog/e.png", b"day/cat/d.png"]
    assert (found.total, found.copies, found.truncated) == (4, 4, False)
    assert described(found)["many_lookalikes"] == (
        "information",
        "Found 4 pairs of copies and lookalikes, and listed the 2 most serious in lookalikes.csv. "
        "Remove those, and run again to list the others.",
    )


def test_where_the_search_stopped_counts_are_lower_bounds(find, monkeypatch):
    monkeypatch.setattr(duplicates, "MAX_PAIRS", 2)
    look = random_look(0)
    near = [with_flipped(look, bits) for bits in range(4)]
    found = find(
        [row(b"day%d/cat/a.png" % number, number, look) for number, look in enumerate(near)]
    )
    assert (found.total, found.truncated) == (2, True)
    texts = described(found)
    assert texts["lookalike_domains"][1].startswith("Found at least 2 pairs of pictures")
    assert texts["many_lookalikes"][1].startswith("Found at least 2 pairs of copies")


def test_an_id_that_is_no_utf_8_can_be_named_in_a_text(find):
    look = random_look(0)
    found = find([row(b"day/cat/caf\xe9.png", 1, look), row(b"day/dog/b.png", 1, look)])
    assert "'day/cat/caf\ufffd.png'" in described(found)["label_conflict"][1]
