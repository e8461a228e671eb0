import numpy as np
import pytest
from planted_scores import planted_pair

from components.evaluation.statistics.recall_at_precision import RecallAtPrecision
from components.evaluation.statistics.weighted_metric import Scores


def recall(precision: float, *pictures: tuple[float, bool]) -> float:
    """The recall for pictures with a confidence, of which some are classified correctly."""
    confidence = np.array([one for one, _ in pictures])
    predicted = np.array([0 if is_correct else 1 for _, is_correct in pictures])
    scores = Scores(np.zeros(len(pictures), int), predicted, confidence, confidence)
    return RecallAtPrecision(scores, precision).values(np.ones((len(pictures), 1))).item()


def test_the_lowest_threshold_with_the_precision_counts():
    # At 0.8 two of three are correct. The first alone has the precision, and so have the first six.
    pictures = ((0.9, True), (0.8, False), (0.8, True), (0.7, True), (0.6, True), (0.5, True))
    assert recall(0.8, *pictures) == 5 / 6
    assert recall(0.9, *pictures) == 1 / 6


def test_a_precision_that_is_just_met_is_met():
    pictures = [(0.9, True)] * 19 + [(0.9, False)]
    assert recall(0.95, *pictures) == pytest.approx(19 / 20)
    assert recall(0.951, *pictures) == 0.0


def test_a_threshold_keeps_all_pictures_of_one_confidence():
    assert recall(1.0, (0.9, True), (0.9, False)) == 0.0


def test_the_recall_is_that_of_a_search_over_all_thresholds():
    scores, _ = planted_pair(80, seed=0)
    found = RecallAtPrecision(scores, 0.9).values(np.ones((80, 1))).item()
    kept = [scores.correct[scores.confidence >= threshold] for threshold in scores.confidence]
    assert 0 < found < 1
    assert found == pytest.approx(max(one.sum() for one in kept if one.mean() >= 0.9) / 80)
