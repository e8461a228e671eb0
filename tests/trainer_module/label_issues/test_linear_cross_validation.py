import numpy as np
import pytest
from scipy.special import softmax

from trainer_module.export.calibration import fit_temperature
from trainer_module.label_issues import linear_cross_validation
from trainer_module.label_issues.linear_cross_validation import (
    FOLDS,
    PENALTY,
    EmbeddingRows,
    cross_validated_probabilities,
)


@pytest.mark.parametrize("chunk", [7, 8192])
def test_every_row_is_predicted_by_a_ridge_regression_without_its_fold(monkeypatch, chunk):
    monkeypatch.setattr(linear_cross_validation, "CHUNK", chunk)
    rng = np.random.default_rng(2)
    targets = rng.integers(0, 3, 60)
    embeddings = rng.normal(5, 2, (60, 4)) + 3 * np.eye(4)[targets]
    parts = [EmbeddingRows(embeddings[:40], np.arange(40))]
    parts += [EmbeddingRows(embeddings, np.arange(40, 60))]
    found = cross_validated_probabilities(parts, targets, 3, seed=9)

    centred = embeddings - embeddings.mean(axis=0)
    columns = np.c_[centred / np.sqrt((centred**2).mean()), np.ones(60)]
    folds = np.random.default_rng(9).permutation(60) % FOLDS
    scores = np.zeros((60, 3))
    for fold in range(FOLDS):
        kept = folds != fold
        penalty = PENALTY * kept.sum() * np.diag([1, 1, 1, 1, 1e-6])
        kernel = np.linalg.solve(
            columns[kept].T @ columns[kept] + penalty, columns[kept].T @ np.eye(3)[targets[kept]]
        )
        scores[~kept] = columns[~kept] @ kernel
    expected = softmax(scores / fit_temperature(scores, targets), axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.mean(found.argmax(axis=1) == targets) > 0.6


def test_embeddings_that_say_nothing_are_no_error():
    targets = np.arange(20) % 2
    parts = [EmbeddingRows(np.zeros((20, 3), np.float16), np.arange(20))]
    probabilities = cross_validated_probabilities(parts, targets, 2, seed=1)
    np.testing.assert_allclose(probabilities, 0.5, atol=0.2)
