"""Only what a version was never trained on is new."""

from collections import Counter

import pytest

from components.data_gate.checks.change_findings import change_findings
from components.data_gate.statistics.counts import Counts
from components.data_gate.statistics.known_names import KnownNames
from components.data_gate.statistics.split_statistics import PictureStatistics, SplitStatistics

pytestmark = pytest.mark.component

#: The last training of the version read cats at day only.
LAST = PictureStatistics(9, {}, {"cat": 9})
BASELINE = SplitStatistics(LAST, {"day": LAST})


def counts(domains: tuple[str, ...], classes: tuple[str, ...]) -> Counts:
    return Counts(
        domains={name: Counter(train=5) for name in domains},
        classes={name: Counter(train=5) for name in classes},
        tested_domains=Counter(),
        tested_classes=Counter(),
        pairs=frozenset(),
        rejects={},
        rejected_pairs=frozenset(),
    )


def kinds(found: Counts, known: KnownNames) -> list[str]:
    return [one.kind for one in change_findings(found, BASELINE, BASELINE, known, 0.1)]


def test_what_the_last_training_did_not_read_is_known_all_the_same():
    known = KnownNames(frozenset({"day", "fog"}), frozenset({"cat", "dog"}))
    assert kinds(counts(("day", "fog"), ("cat", "dog")), known) == []
    assert kinds(counts(("day",), ("cat",)), known) == []


def test_other_names_are_new_and_those_of_the_last_training_may_not_vanish():
    known = KnownNames(frozenset({"day"}), frozenset({"cat"}))
    assert kinds(counts(("day", "fog"), ("cat", "dog")), known) == ["new_class", "new_domain"]
    assert kinds(counts(("fog",), ("dog",)), known) == [
        "new_class",
        "vanished_class",
        "vanished_domain",
        "new_domain",
    ]
