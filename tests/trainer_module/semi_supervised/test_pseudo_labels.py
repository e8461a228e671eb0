import numpy as np
import pytest

from trainer_module.semi_supervised.pseudo_labels import select_pseudo_labels


def predictions(*rows: tuple[int, float]) -> np.ndarray:
    """Return probabilities of three classes: one has the given value, the others share the rest."""
    probabilities = np.zeros((len(rows), 3))
    for row, (label, confidence) in enumerate(rows):
        probabilities[row] = (1 - confidence) / 2
        probabilities[row, label] = confidence
    return probabilities


def test_confident_predictions_are_trained_on_and_others_are_not():
    labels = select_pseudo_labels(predictions((0, 0.9), (1, 0.9), (2, 0.9), (0, 0.4)))
    assert labels.targets.tolist() == [0, 1, 2, 0]
    assert (labels.weights > 0).tolist() == [True, True, True, False]
    assert labels.share == 0.75


def test_the_threshold_of_a_class_that_is_seldom_predicted_is_lower():
    rows = [(0, 0.9)] * 8 + [(1, 0.5), (0, 0.5)]
    labels = select_pseudo_labels(predictions(*rows))
    assert (labels.weights > 0).tolist() == [True] * 8 + [True, False]


def test_a_rare_class_is_drawn_more_often_but_not_as_often_as_all_others():
    rows = [(0, 0.9)] * 16 + [(1, 0.9)]
    labels = select_pseudo_labels(predictions(*rows))
    of_class = [labels.weights[labels.targets == number].sum() for number in (0, 1)]
    assert of_class[0] == pytest.approx(4 * of_class[1])


def test_equal_predictions_all_take_part():
    labels = select_pseudo_labels(np.full((5, 3), 1 / 3))
    assert labels.share == 1
    assert np.isfinite(labels.weights).all()
