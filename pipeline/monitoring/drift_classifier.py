"""Learns what tells new pictures from the known ones.

The classifier is Fisher's linear discriminant with a shrunk covariance, once for each of two folds.
Pictures of the other fold, which it did not see, say how often it takes known pictures for new.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.monitoring.known_pictures import Float64Array, KnownPictures

#: Share of the mean variance that is added to all variances.
SHRINKAGE = 0.1

#: Shares of the known pictures that are below a limit that is tried.
QUANTILES = (0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)

#: Seed of the division of the newest pictures into two folds.
SEED = 17

#: Smallest variance that is divided by.
SMALLEST_VARIANCE = 1e-12


@dataclass(frozen=True)
class DriftClassifier:
    """Two linear discriminants, and the limit above which they take a picture for a new one.

    Attributes:
        directions: Discriminants, float64 [2, components].
        offsets: Scores that stand for 0, float64 [2].
        limit: Score above which a picture is taken for a new one.
        share: Estimated share of the newest pictures that are above the limit.
        known_share: Upper bound of this share in any known group; below `share`.
    """

    directions: Float64Array
    offsets: Float64Array
    limit: float
    share: float
    known_share: float

    def choose(self, points: Float64Array) -> Float64Array:
        """Return the share of the discriminants that take a picture for new, float64 [rows].

        Args:
            points: Pictures in the principal components, float64 [rows, components].
        """
        scores = points @ self.directions.T - self.offsets
        return (scores > self.limit).mean(axis=1)


def learn_classifier(known: KnownPictures, newest: Float64Array) -> DriftClassifier | None:
    """Learn a classifier from the newest pictures of a stream.

    Args:
        known: Known pictures.
        newest: Newest pictures in the principal components, float64 [rows, components]; at least 4.

    Returns:
        None if no limit is found above which the newest pictures are more often than those of any
        group.
    """
    # By chance: clients may take turns.
    halves = np.random.default_rng(SEED).permutation(len(newest)) % 2
    directions, offsets = [], []
    known_scores, new_scores = np.empty(len(known.points)), np.empty(len(newest))
    for fold in (0, 1):
        own, new = known.folds == fold, halves == fold
        direction, offset = _discriminate(newest[new], known.points[own], known.weights[own])
        directions.append(direction)
        offsets.append(offset)
        known_scores[~own] = known.points[~own] @ direction - offset
        new_scores[~new] = newest[~new] @ direction - offset
    found = _choose_limit(known, known_scores, new_scores)
    return found and DriftClassifier(np.stack(directions), np.array(offsets), *found)


def growth(share: float, known_share: float) -> float:
    """Return the expected growth of the log of the wealth by the best bet, per picture.

    It is the Kullback-Leibler divergence of two shares, in nats; 0 where no bet is to be made.

    Args:
        share: Share of the stream.
        known_share: Greatest share of a known group.
    """
    if share <= known_share:
        return 0.0
    return float(
        share * np.log(share / known_share) + (1 - share) * np.log((1 - share) / (1 - known_share))
    )


def _discriminate(
    new: Float64Array, known: Float64Array, weights: npt.NDArray[np.float64]
) -> tuple[Float64Array, float]:
    """Return a direction in which known pictures have the variance 1, and their mean in it."""
    weights = weights / weights.sum()
    new_mean, known_mean = new.mean(axis=0), weights @ known
    new_rest, known_rest = new - new_mean, known - known_mean
    covariance = new_rest.T @ new_rest / len(new) + (known_rest.T * weights) @ known_rest
    dim = len(covariance)
    shrunk = covariance + np.eye(dim) * (SHRINKAGE * np.trace(covariance) / dim + SMALLEST_VARIANCE)
    direction = np.linalg.solve(shrunk, new_mean - known_mean)
    scores = known @ direction
    spread = max(float(scores.std()), SMALLEST_VARIANCE)
    return direction / spread, float(scores.mean()) / spread


def _choose_limit(
    known: KnownPictures, known_scores: Float64Array, new_scores: Float64Array
) -> tuple[float, float, float] | None:
    """Return the limit with the greatest growth, and the shares above it; None if none grows."""
    best, found = 0.0, None
    for limit in np.asarray(np.quantile(known_scores, QUANTILES)):
        known_share = known.greatest_share(known_scores > limit)
        share = ((new_scores > limit).sum() + 0.5) / (len(new_scores) + 1)
        if (expected := growth(share, known_share)) > best:
            best, found = expected, (float(limit), float(share), known_share)
    return found
