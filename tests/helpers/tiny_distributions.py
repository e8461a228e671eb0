"""Distributions as TFDV stores them."""

import numpy as np
import numpy.typing as npt

from components.data_gate.statistics.distributions import Distribution


def sample(values: npt.NDArray[np.float64]) -> Distribution:
    """Return 20 buckets of equally many values."""
    bounds = np.quantile(values, np.linspace(0, 1, 21), method="inverted_cdf")
    return Distribution(bounds[:-1], bounds[1:], np.full(20, 1 / 20), len(values))
