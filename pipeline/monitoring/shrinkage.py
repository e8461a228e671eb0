"""Covariance of few pictures in many dimensions."""

import numpy as np

from pipeline.monitoring.known_pictures import Float64Array

#: Share of the mean variance that is added to all variances.
SHRINKAGE = 0.2

#: Smallest variance that is added.
SMALLEST_VARIANCE = 1e-12


def shrink(covariance: Float64Array) -> Float64Array:
    """Return a covariance that can be inverted, float64 [dim, dim].

    Args:
        covariance: Covariance of a sample, float64 [dim, dim].
    """
    dim = len(covariance)
    added = SHRINKAGE * float(np.trace(covariance)) / dim + SMALLEST_VARIANCE
    return np.asarray(covariance + np.eye(dim) * added)
