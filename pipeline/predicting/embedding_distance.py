"""Distance between two samples of embeddings, and a test whether they differ by chance.

The distance is the maximum mean discrepancy of "A Kernel Two-Sample Test" (Gretton et al., JMLR 13,
2012), with a Gaussian kernel whose squared width is the median squared distance between two rows.
The test is a permutation test.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from trainer_module.export.reference_embeddings import Reference

#: Number of pictures of a domain below which nothing is said about distances and drift.
MIN_SAMPLE = 10

#: Number of permutations. P-values are multiples of 1 / (NUM_PERMUTATIONS + 1).
NUM_PERMUTATIONS = 500

Embeddings: TypeAlias = npt.NDArray[np.floating]
Float64Array: TypeAlias = npt.NDArray[np.float64]


def embedding_distance(first: Embeddings, second: Embeddings) -> float:
    """Return the maximum mean discrepancy of two samples.

    It lies between 0 (the same distribution) and about 1.4. The estimate of its square is unbiased,
    so it may be negative; the distance is 0 then.

    Args:
        first: Embeddings, float [rows, dim], with at least two rows.
        second: Embeddings, float [other rows, dim], with at least two rows.

    Example:
        >>> import numpy as np
        >>> from pipeline.predicting.embedding_distance import embedding_distance
        >>> rng = np.random.default_rng(1)
        >>> day, other_day, night = (rng.normal(mean, 1, (100, 8)) for mean in (0, 0, 1))
        >>> embedding_distance(day, other_day) < 0.15
        True
        >>> embedding_distance(day, night) > 0.4
        True
    """
    kernel = _kernel(first, second)
    in_first = np.arange(len(kernel)) < len(first)
    return float(np.sqrt(max(0.0, _squared_distances(kernel, in_first[None])[0])))


def distances_to_domains(embeddings: Embeddings, reference: Reference) -> dict[str, float]:
    """Return the distance of a sample to every domain of a model with `MIN_SAMPLE` pictures.

    Args:
        embeddings: Embeddings, float [rows, dim].
        reference: Reference embeddings of the model.

    Returns:
        Distances by domain; empty for a sample of fewer than `MIN_SAMPLE` rows.
    """
    if len(embeddings) < MIN_SAMPLE:
        return {}
    return {
        str(name): embedding_distance(embeddings, own)
        for name in sorted(set(reference.domains))
        if len(own := reference.of_domain(name).embeddings) >= MIN_SAMPLE
    }


def permutation_p_value(first: Embeddings, second: Embeddings, seed: int = 17) -> float:
    """Return the p-value of the hypothesis that two samples have the same distribution.

    It is the share of random divisions of all rows into two samples of the same sizes that are at
    least as far apart, the actual division included.

    Args:
        first: Embeddings, float [rows, dim], with at least two rows.
        second: Embeddings, float [other rows, dim], with at least two rows.
        seed: Seed of the permutations.

    Example:
        >>> import numpy as np
        >>> from pipeline.predicting.embedding_distance import permutation_p_value
        >>> rng = np.random.default_rng(1)
        >>> day, night = rng.normal(0, 1, (60, 8)), rng.normal(1, 1, (40, 8))
        >>> round(permutation_p_value(day, night), 3)
        0.002
    """
    kernel = _kernel(first, second)
    in_first = np.arange(len(kernel)) < len(first)
    rng = np.random.default_rng(seed)
    permuted = rng.permuted(np.tile(in_first, (NUM_PERMUTATIONS, 1)), axis=1)
    actual = _squared_distances(kernel, in_first[None])[0]
    num_as_far = int((_squared_distances(kernel, permuted) >= actual).sum())
    return (num_as_far + 1) / (NUM_PERMUTATIONS + 1)


def _kernel(first: Embeddings, second: Embeddings) -> Float64Array:
    """Return the kernel of all pairs of rows, float64 [all rows, all rows]."""
    rows = np.concatenate([first, second]).astype(np.float64)
    norms = np.square(rows).sum(axis=1)
    squares = np.maximum(norms[:, None] + norms[None] - 2 * rows @ rows.T, 0)
    median = np.median(squares[np.triu_indices(len(rows), 1)])
    return np.exp(-squares / max(median, np.finfo(float).tiny))


def _squared_distances(kernel: Float64Array, in_first: npt.NDArray[np.bool_]) -> Float64Array:
    """Return the unbiased squared discrepancy of each division of the rows.

    Args:
        kernel: Kernel of all pairs of rows.
        in_first: Whether a row is in the first sample, bool [divisions, rows].
    """
    first = in_first.astype(float)
    second = 1 - first
    num_first, num_second = first.sum(axis=1), second.sum(axis=1)
    diagonal = kernel.diagonal()

    def mean_within(sample: Float64Array, size: Float64Array) -> Float64Array:
        return (((sample @ kernel) * sample).sum(axis=1) - sample @ diagonal) / (size * (size - 1))

    between = ((first @ kernel) * second).sum(axis=1) / (num_first * num_second)
    return mean_within(first, num_first) + mean_within(second, num_second) - 2 * between
