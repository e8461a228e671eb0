"""P-value of a change in a metric, by exchanging the predictions of two models."""

import numpy as np
import numpy.typing as npt

from components.evaluation.statistics.weighted_metric import Exchange, Scores

#: Draws with a loss as large as the observed one, after which no more are made.
ENOUGH = 50

#: Values in one array: 1.6 MB, so that it stays in the cache of a core.
_CHUNK = 200_000


def permutation_p_value(
    exchange: Exchange, pictures: int, sign: float, draws: int, rng: np.random.Generator
) -> float:
    """Return the p-value of a loss: how probable one so large is for equal models.

    If both models are equal, any of the two predictions for a picture could be that of either
    model. So the predictions for every picture are exchanged with probability one half, again and
    again ("approximate randomization": Noreen, "Computer-intensive methods for testing hypotheses",
    1989; Yeh, "More accurate tests for the statistical significance of result differences", COLING
    2000). For the accuracy, this is McNemar's test. Once enough draws have shown a loss as large,
    no more are made (Besag and Clifford, "Sequential Monte Carlo p-values", Biometrika 78, 1991).

    Args:
        exchange: Exchanges of the metric, see `WeightedMetric.exchange` of the earlier model.
        pictures: Number of pictures.
        sign: 1 if a higher value of the metric is better, -1 if a lower one is.
        draws: Largest number of draws; the smallest p-value is `1 / (draws + 1)`.
        rng: Source of randomness.
    """

    def losses(is_exchanged: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        before, after = exchange(is_exchanged)
        return sign * (before - after)

    observed = losses(np.zeros((pictures, 1), bool)).item()
    least = observed - 1e-12 * max(1.0, abs(observed))  # sums are rounded
    columns = max(1, _CHUNK // pictures)
    as_large = 0
    for drawn in range(0, draws, columns):
        size = (pictures, min(columns, draws - drawn))
        [large] = np.nonzero(losses(rng.integers(0, 2, size, dtype=bool)) >= least)
        if as_large + len(large) >= ENOUGH:
            return ENOUGH / (drawn + int(large[ENOUGH - as_large - 1]) + 1)
        as_large += len(large)
    return (1 + as_large) / (draws + 1)


def smallest_permutation_p_value(before: Scores, after: Scores, draws: int) -> float:
    """Return a bound that no `permutation_p_value` is below.

    Args:
        before: Predictions of the earlier model.
        after: Predictions of the candidate for the same pictures.
        draws: Largest number of draws.
    """
    is_changed = (
        (before.predicted != after.predicted)
        | (before.confidence != after.confidence)
        | (before.true_probability != after.true_probability)
    )
    return max(0.5 ** int(is_changed.sum()), 1 / (draws + 1))
