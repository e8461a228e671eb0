from collections import Counter

import pytest
from tiny_counts import tiny_counts

pytestmark = pytest.mark.component


def test_pictures_are_counted_by_domain_and_split_and_by_class_and_split():
    counts = tiny_counts(
        [("train", "day", "cat", 3), ("test", "day", "cat", 1), ("train", "night", "dog", 2)]
    )
    assert counts.domains == {
        "day": Counter({"train": 3, "test": 1}),
        "night": Counter({"train": 2}),
    }
    assert counts.classes == {"cat": Counter({"train": 3, "test": 1}), "dog": Counter({"train": 2})}
    assert counts.pairs == {("day", "cat"), ("night", "dog")}
    assert counts.usable == 6


def test_rejects_are_counted_by_domain_and_reason_and_files_in_no_domain_have_no_pair():
    counts = tiny_counts([], [("day", "damaged", 2), ("", "not in a folder", 5)])
    assert counts.rejects == {"": Counter({"not in a folder": 5}), "day": Counter({"damaged": 2})}
    assert counts.rejected_pairs == {("day", "cat")}
    assert counts.usable == 0
