"""New classes hide no loss: a version is not compared on classes that it does not know."""

import numpy as np
import pytest

from components.evaluation.gate.comparison import compare
from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.gate_table import GateTable
from components.evaluation.gate.tested_pictures import (
    NEW_CLASS,
    UNKNOWN,
    TestedPictures,
    correctness,
)
from components.evaluation.tfma.evaluation_results import describe_failures

#: Version that is serving, and an earlier one.
SERVING, EARLIER = 7, 3

#: Test pictures of the classes that all versions know, and number of these classes.
KNOWN, CLASSES = 2_000, 10

#: Accuracy of the earlier versions, and the share of pictures that a candidate gains, and loses.
ACCURACY, CHANGED = 0.9, 0.02

#: Pairs of models of every case.
PAIRS = 40


def simulate(
    change: float, new: int, rng: np.random.Generator, domain: str = "day", **gate: object
) -> GateTable:
    """Compare a candidate of a known true change with two versions that lack one of its classes."""
    labels = np.array([f"class {number % CLASSES}" for number in range(KNOWN)] + ["new"] * new)
    serving = rng.random(KNOWN) < ACCURACY
    lost, gained = (CHANGED - change) / ACCURACY, CHANGED / (1 - ACCURACY)
    candidate = (rng.random(KNOWN) < np.where(serving, lost, gained)) != serving
    before = np.concatenate([serving, np.full(new, NEW_CLASS)]).astype(np.int8)
    split = TestedPictures(
        domains=np.full(KNOWN + new, domain, object),
        labels=labels.astype(object),
        correct=np.concatenate([candidate, rng.random(new) < ACCURACY]),
        earlier={SERVING: before, EARLIER: before},
        values={"scanner": np.full(KNOWN + new, "A", object)},
    )
    return compare(split, GateOptions(**gate), SERVING, ["day"], [("scanner",)])


def pushed(table: GateTable) -> bool:
    return all(row.passed for row in [*table.rows, *table.slices])


@pytest.mark.parametrize("mode", ["no_proven_loss", "no_possible_loss"])
@pytest.mark.parametrize("new", [150, 300])
def test_a_new_class_hides_no_loss_of_five_points_and_keeps_no_equal_candidate_back(new, mode):
    rng = np.random.default_rng(7)
    equal = [pushed(simulate(0.0, new, rng, mode=mode)) for _ in range(PAIRS)]
    # The gate of the domain finds the loss without those of the classes.
    limits = [0.1, 1.0] * (PAIRS // 2)
    worse = [pushed(simulate(-0.05, new, rng, mode=mode, class_max_drop=one)) for one in limits]
    assert np.mean(equal) >= 0.95
    assert not any(worse)


def test_rows_are_about_the_classes_that_both_know():
    table = simulate(-0.05, 300, np.random.default_rng(7), slices=(("scanner",),))
    assert {(row.version, row.pictures) for row in table.rows if row.label is None} == {
        (SERVING, KNOWN),
        (EARLIER, KNOWN),
    }
    assert "new" not in {row.label for row in table.rows}
    [row] = table.slices
    assert (row.pictures, row.passed) == (KNOWN, False)


def test_a_class_without_a_comparison_has_a_floor():
    table = simulate(0.0, 30, np.random.default_rng(7), class_min_recall=0.99)
    [row] = [row for row in table.rows if row.label == "new"]
    assert (row.version, row.pictures, row.before) == (0, 30, None)


def test_in_a_new_domain_a_new_class_is_a_gain_which_hides_no_loss():
    rng = np.random.default_rng(7)
    equal = [pushed(simulate(0.0, 300, rng, domain="fog")) for _ in range(PAIRS)]
    assert np.mean(equal) > 0.6  # 0.8 is meant: `gate.gain_confidence`
    for _ in range(PAIRS):
        table = simulate(-0.05, 300, rng, domain="fog")
        [row] = table.rows
        assert row.after > row.before
        assert not row.passed
    assert list(describe_failures(table, GateOptions())) == [
        "domain 'fog': the domain is new, and the candidate is worse than the serving model in the "
        "classes that both know"
    ]


@pytest.mark.parametrize("domain", ["fog", "day"])
def test_a_domain_of_new_classes_only_is_blessed(domain):
    one = TestedPictures(
        np.full(8, domain, object),
        np.full(8, "new", object),
        np.array([True] * 6 + [False] * 2),
        {SERVING: np.full(8, NEW_CLASS, np.int8)},
    )
    [row] = compare(one, GateOptions(), SERVING, ["day"]).rows
    assert (row.is_new, row.pictures, row.passed) == (domain == "fog", 8, True)


def test_a_picture_of_an_unknown_class_is_of_a_new_class_if_the_version_predicted_it():
    labels, predicted = (
        np.array(["cat", "cat", "owl", "owl"], object),
        np.array(["cat", "dog", "cat", None], object),
    )
    assert correctness(predicted, labels).tolist() == [1, 0, 0, UNKNOWN]
    found = correctness(predicted, labels, {"cat", "dog"})
    assert found.tolist() == [1, 0, NEW_CLASS, UNKNOWN]
