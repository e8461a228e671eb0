from dataclasses import dataclass, field

import numpy as np
import pytest

from components.evaluation.gate import tested_pictures
from components.evaluation.gate.comparison import compare, is_gain
from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.gate_table import GateRow, GateTable
from components.evaluation.gate.tested_pictures import UNKNOWN
from components.evaluation.statistics.paired_counts import PairCounts, interval, loss_p_value
from components.evaluation.tfma.evaluation_results import describe_failures

#: Version that is serving, and an earlier one.
SERVING, EARLIER = 7, 3


@dataclass
class Pictures:
    """Test pictures, group by group."""

    rows: list[tuple[str, str, bool, int, int]] = field(default_factory=list)

    def add(
        self,
        count: int,
        label: str,
        candidate: bool = True,
        serving: int = 1,
        earlier: int = UNKNOWN,
        domain: str = "day",
    ) -> "Pictures":
        """Add pictures of one class on which all versions are correct (1) or wrong (0)."""
        self.rows += [(domain, label, candidate, serving, earlier)] * count
        return self

    def compare(self, known: tuple[str, ...] = ("day",), **gate: object) -> GateTable:
        """Compare the candidate with both versions."""
        domains, labels, correct, serving, earlier = zip(*self.rows, strict=True)
        split = tested_pictures.TestedPictures(
            np.array(domains, object),
            np.array(labels, object),
            np.array(correct, bool),
            {SERVING: np.array(serving, np.int8), EARLIER: np.array(earlier, np.int8)},
        )
        return compare(split, GateOptions(**gate), SERVING, known)


def failures(table: GateTable) -> list[tuple[str, str | None, int]]:
    """Domain, class and version of the rows that failed."""
    return [(row.domain, row.label, row.version) for row in table.rows if not row.passed]


def only_row(table: GateTable, label: str | None = None, version: int = SERVING) -> GateRow:
    [row] = [row for row in table.rows if (row.label, row.version) == (label, version)]
    return row


def test_a_class_that_collapses_fails_while_its_domain_passes():
    # 15 of 20 houses are lost, and as many of the 380 persons are gained.
    pictures = Pictures().add(4, "house").add(15, "house", candidate=False)
    pictures.add(1, "house", candidate=False, serving=0)
    pictures.add(365, "person").add(15, "person", serving=0)
    table = pictures.compare()
    assert failures(table) == [("day", "house", SERVING)]
    house = only_row(table, "house")
    assert (house.pictures, house.before, house.after) == (20, 0.95, 0.2)
    assert (house.change_low, house.change_high) == interval(PairCounts(20, 0, 15), 0.9)
    assert house.p_value == loss_p_value(PairCounts(20, 0, 15)) == 0.5**16
    assert only_row(table).before == only_row(table).after == 384 / 400
    assert table.num_tests == 3


def test_two_pictures_that_changed_prove_nothing():
    table = Pictures().add(18, "house").add(2, "house", candidate=False).compare()
    assert failures(table) == []
    assert only_row(table).change_low < -0.02


def test_a_proven_loss_within_the_limit_passes():
    pictures = Pictures().add(1970, "house").add(30, "house", candidate=False)
    assert only_row(pictures.compare(max_drop=0.05)).p_value < 1e-6
    assert failures(pictures.compare(max_drop=0.05)) == []
    assert failures(pictures.compare(max_drop=0.01)) == [("day", None, SERVING)]


def test_a_loss_against_an_earlier_version_than_the_serving_one_fails():
    # Both have lost 20 of the 200 pictures that version 3 classified correctly.
    pictures = Pictures().add(180, "house", earlier=1)
    table = pictures.add(20, "house", candidate=False, serving=0, earlier=1).compare()
    assert failures(table) == [("day", None, EARLIER)]
    assert only_row(table, version=EARLIER).before == 1.0
    assert [row.label for row in table.rows] == [None, None, "house"]


def test_an_earlier_version_is_compared_on_the_pictures_that_it_knows():
    pictures = Pictures().add(40, "house", earlier=1).add(10, "house", candidate=False, earlier=0)
    table = pictures.add(50, "house", candidate=False, serving=0).compare()
    earlier, serving = only_row(table, version=EARLIER), only_row(table)
    assert (earlier.pictures, earlier.before, earlier.after) == (50, 0.8, 0.8)
    assert (serving.pictures, serving.before, serving.after) == (100, 0.5, 0.4)


def test_only_the_hardest_comparison_with_earlier_versions_is_kept():
    correct = np.ones(100, bool)
    correct[:20] = False
    earlier = {version: np.ones(100, np.int8) for version in (1, 2, 3, SERVING)}
    earlier[1][:15], earlier[2][:2], earlier[SERVING][:20] = 0, 0, 0
    where = np.full(100, "day", object)
    split = tested_pictures.TestedPictures(where, np.full(100, "house", object), correct, earlier)
    table = compare(split, GateOptions(), SERVING, ["day"])
    assert [row.version for row in table.rows] == [SERVING, 3, SERVING]
    assert failures(table) == [("day", None, 3)]
    assert table.num_tests == 5


@pytest.mark.parametrize(
    ("against", "compared"),
    [
        (["serving"], [(None, SERVING), ("house", SERVING)]),
        (["best"], [(None, SERVING), (None, EARLIER)]),
        (["serving", "best"], [(None, SERVING), (None, EARLIER), ("house", SERVING)]),
    ],
)
def test_the_versions_to_compare_with_are_chosen(against, compared):
    table = Pictures().add(50, "house", earlier=1).compare(against=against)
    assert [(row.label, row.version) for row in table.rows] == compared
    assert table.num_tests == len(compared)


def test_the_serving_version_may_be_the_best_one():
    pictures = Pictures().add(80, "house").add(20, "house", candidate=False)
    assert failures(pictures.compare(against=["best"])) == [("day", None, SERVING)]


def test_a_loss_that_few_pictures_cannot_rule_out_fails_in_the_other_mode():
    few, many = (Pictures().add(count, "house") for count in (50, 500))
    assert failures(few.compare()) == []
    assert failures(few.compare(mode="no_possible_loss")) == [("day", None, SERVING)]
    assert failures(many.compare(mode="no_possible_loss")) == []


def test_in_the_other_mode_a_class_still_needs_a_proof():
    pictures = Pictures().add(990, "person").add(9, "house").add(1, "house", candidate=False)
    assert failures(pictures.compare(mode="no_possible_loss")) == []
    pictures.add(10, "house", candidate=False).add(10, "person", serving=0)
    table = pictures.compare(mode="no_possible_loss")
    assert failures(table) == [("day", "house", SERVING)]


def test_a_new_domain_must_gain_and_has_no_test_for_a_loss():
    def outcome(**counts: int) -> GateRow:
        pictures = Pictures().add(10, "house", candidate=False, serving=0)
        pictures.add(counts.get("gained", 0), "house", serving=0)
        pictures.add(counts.get("lost", 0), "house", candidate=False)
        table = pictures.compare(known=())
        assert table.num_tests == 0
        [row] = table.rows
        assert row.is_new
        assert row.limit == pytest.approx(0.2)
        return row

    assert [outcome(gained=gained).passed for gained in (0, 1, 2)] == [False, False, True]
    assert outcome(gained=2).p_value == 1 / 8
    assert not outcome(gained=2, lost=1).passed


def test_where_both_models_are_correct_on_every_picture_there_is_nothing_to_gain():
    assert is_gain(PairCounts(10), 0.8)
    assert not is_gain(PairCounts(0), 0.8)
    assert not is_gain(PairCounts(10, wrong=1), 0.8)
    assert is_gain(PairCounts(10, gained=3), 0.8)
    assert not is_gain(PairCounts(10, gained=1), 0.8)


def test_a_limit_of_one_never_fails():
    pictures = Pictures().add(300, "house", candidate=False, earlier=1)
    assert failures(pictures.compare()) == [
        ("day", None, SERVING),
        ("day", None, EARLIER),
        ("day", "house", SERVING),
    ]
    for mode in ("no_proven_loss", "no_possible_loss"):
        assert failures(pictures.compare(max_drop=1.0, class_max_drop=1.0, mode=mode)) == []


def test_a_version_that_knows_none_of_the_pictures_is_not_compared():
    table = Pictures().add(30, "house").compare()
    assert {row.version for row in table.rows} == {SERVING}
    table = Pictures().add(30, "house", serving=UNKNOWN).compare()
    [row] = table.rows
    assert (row.version, row.pictures, row.after, row.before) == (0, 30, 1.0, None)
    assert row.passed


def test_a_domain_that_an_earlier_version_does_not_know_is_compared_with_the_serving_one_only():
    pictures = Pictures().add(30, "house", earlier=1).add(30, "house", domain="night")
    table = pictures.compare(known=("day", "night"))
    assert [(row.domain, row.version) for row in table.rows if row.label is None] == [
        ("day", SERVING),
        ("night", SERVING),
        ("day", EARLIER),
    ]


@pytest.mark.parametrize("serving", [0, SERVING])
def test_no_pictures_at_all_give_an_empty_table(serving):
    nothing = np.array([], object)
    earlier = {serving: np.array([], np.int8)} if serving else {}
    split = tested_pictures.TestedPictures(nothing, nothing, np.array([], bool), earlier)
    table = compare(split, GateOptions(class_min_recall=0.5), serving, ["day"])
    assert table.level == pytest.approx(0.05)
    assert (table.num_tests, table.rows) == (0, [])


@pytest.mark.parametrize(
    ("known", "mode", "passed"),
    [
        (("day",), "no_proven_loss", True),
        (("day",), "no_possible_loss", False),
        ((), "no_proven_loss", False),
    ],
)
def test_where_no_picture_can_be_compared_nothing_is_proven(known, mode, passed):
    pictures = Pictures().add(30, "house", serving=UNKNOWN)
    [row] = pictures.compare(known=known, mode=mode).rows
    assert (row.is_new, row.passed, row.before) == (not known, passed, None)
    if not passed:
        [reason] = describe_failures(pictures.compare(known=known, mode=mode), GateOptions())
        assert reason.startswith("domain 'day': none of 30 pictures can be compared")


def first_run(**gate: object) -> GateTable:
    labels = np.array(["house", "house", "person"], object)
    split = tested_pictures.TestedPictures(
        np.full(3, "day", object), labels, np.array([True, False, False]), {}
    )
    return compare(split, GateOptions(**gate), 0, [])


def test_in_a_first_run_domains_are_only_described():
    table = first_run()
    assert table.rows == [GateRow(domain="day", pictures=3, after=1 / 3)]


def test_a_floor_of_recall_covers_classes_that_are_compared_with_no_version():
    assert first_run(class_min_recall=0.6).rows[1:] == [
        GateRow(domain="day", label="house", pictures=2, after=0.5),
        GateRow(domain="day", label="person", pictures=1, after=0.0),
    ]
    pictures = Pictures().add(5, "house").add(5, "house", domain="fog")
    table = pictures.compare(class_min_recall=0.6)
    assert [(row.domain, row.version) for row in table.rows if row.label] == [
        ("day", SERVING),
        ("fog", 0),
    ]


def test_more_tests_lower_the_level():
    def level(classes: int) -> float:
        pictures = Pictures()
        for number in range(classes):
            pictures.add(20, str(number)).add(8, str(number), candidate=False)
            pictures.add(8, str(number), serving=0)
        return pictures.compare().level

    assert level(1) == pytest.approx(0.05 / 2)
    assert level(9) == pytest.approx(0.05 / 10)


def test_the_table_tells_what_the_gate_can_see():
    row = only_row(Pictures().add(50, "house").compare())
    assert row.needed_pictures > 50
    assert row.detectable_loss > 0.02
    many = only_row(Pictures().add(5000, "house").compare())
    assert many.needed_pictures == row.needed_pictures < 5000
    assert many.detectable_loss < 0.02
