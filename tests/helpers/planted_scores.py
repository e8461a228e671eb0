"""Predictions of models whose logits share the noise of the pictures."""

import numpy as np
from scipy.special import softmax

from components.evaluation.statistics.weighted_metric import Scores


def planted_scores(
    labels: np.ndarray, noise: np.ndarray, rng: np.random.Generator, temperature: float = 1.0
) -> Scores:
    """Return predictions of a model for pictures.

    Args:
        labels: Ids of the true classes, int [pictures].
        noise: Noise that all models share, float [pictures, classes].
        rng: Source of the noise of this model.
        temperature: Number that logits are divided by; below 1, the model is too confident.
    """
    logits = noise + 0.4 * rng.standard_normal(noise.shape)
    rows = np.arange(len(labels))
    logits[rows, labels] += 2.8
    probabilities = softmax(2.4 * logits / temperature, axis=1)
    predicted = probabilities.argmax(axis=1)
    return Scores(labels, predicted, probabilities.max(axis=1), probabilities[rows, labels])


def planted_pair(
    pictures: int, seed: int, before: float = 1.0, after: float = 1.0, classes: int = 5
) -> tuple[Scores, Scores]:
    """Return the predictions of two models that are equally good but for their temperature.

    Args:
        pictures: Number of pictures.
        seed: Seed of all noise.
        before: Temperature of the earlier model.
        after: Temperature of the candidate.
        classes: Number of classes.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(pictures) % classes
    noise = rng.standard_normal((pictures, classes))
    return planted_scores(labels, noise, rng, before), planted_scores(labels, noise, rng, after)
