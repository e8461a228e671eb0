"""Learns what tells new pictures from the known ones.

The classifier is Fisher's linear discriminant with a shrunk covariance, once without each fold.
The pictures of that fold, which it did not see, say how often it takes known pictures for new.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.monitoring.known_pictures import FOLDS, Float64Array, KnownPictures
from pipeline.monitoring.shrinkage import shrink

#: Shares of the known pictures that are below a limit that is tried.
QUANTILES = (0.7, 0.8, 0.85, 0.9, 0.93, 0.96, 0.98, 0.99)

#: Seed of the division of the newest pictures into folds.
SEED = 17

#: Smallest standard deviation that is divided by.
SMALLEST_SPREAD = 1e-12


@dataclass(frozen=True)
class DriftClassifier:
    """Linear discriminants, and the limit above which they take a picture for a new one.

    Attributes:
        directions: Discriminants, float64 [folds, components].
        offsets: Scores that stand for 0, float64 [folds].
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
            points: Pictures as points, float64 [rows, dim of points].
        """
        scores = points @ self.directions.T - self.offsets
        return (scores > self.limit).mean(axis=1)


def learn_classifier(known: KnownPictures, newest: Float64Array) -> DriftClassifier | None:
    """Learn a classifier from the newest pictures of a stream.

    Args:
        known: Known pictures.
        newest: Newest pictures as points, float64 [rows, dim of points]; many more than `FOLDS`.

    Returns:
        None if no limit is found above which the newest pictures are more often than those of any
        group.
    """
    # By chance: clients may take turns.
    folds = np.random.default_rng(SEED).permutation(len(newest)) % FOLDS
    directions, offsets = [], []
    known_scores, new_scores = np.empty(len(known.points)), np.empty(len(newest))
    for fold in range(FOLDS):
        left_out, new_left_out = known.folds == fold, folds == fold
        direction, offset = _discriminate(
            newest[~new_left_out], known.points[~left_out], known.weights[~left_out]
        )
        directions.append(direction)
        offsets.append(offset)
        known_scores[left_out] = known.points[left_out] @ direction - offset
        new_scores[new_left_out] = newest[new_left_out] @ direction - offset
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
    direction = np.linalg.solve(shrink(covariance), new_mean - known_mean)
    scores = known @ direction
    spread = max(float(scores.std()), SMALLEST_SPREAD)
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
