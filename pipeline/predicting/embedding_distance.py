"""Do two samples of embeddings come from the same place, and how far apart are they?

Maximum mean discrepancy: "A kernel two-sample test" (Gretton et al., JMLR 13, 2012), with a
Gaussian kernel whose width is the median distance, and a permutation test.
"""

import numpy as np

#: Shuffles of the permutation test: p-values are multiples of 1 / (PERMUTATIONS + 1).
PERMUTATIONS = 500


def distance(first: np.ndarray, second: np.ndarray) -> float:
    """Maximum mean discrepancy, between 0 (alike) and about 1.4; unbiased squares below 0 are 0.

    Args:
        first: float [rows, dim], of two rows at least.
        second: float [other rows, dim], of two rows at least.
    """
    kernel = _kernel(first, second)
    members = np.arange(len(kernel)) < len(first)
    return float(np.sqrt(max(0.0, _squares(kernel, members[None])[0])))


def p_value(first: np.ndarray, second: np.ndarray, seed: int = 17) -> float:
    """How often two samples of the same place are as far apart as these.

    Args:
        first: float [rows, dim], of two rows at least.
        second: float [other rows, dim], of two rows at least.
        seed: of the shuffles.
    """
    kernel = _kernel(first, second)
    members = np.arange(len(kernel)) < len(first)
    rng = np.random.default_rng(seed)
    shuffled = rng.permuted(np.tile(members, (PERMUTATIONS, 1)), axis=1)
    found = _squares(kernel, members[None])[0]
    as_far = int((_squares(kernel, shuffled) >= found).sum())
    return (as_far + 1) / (PERMUTATIONS + 1)


def _kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Kernel of all pairs of rows, float64 [all rows, all rows]."""
    rows = np.concatenate([first, second]).astype(np.float64)
    norms = np.square(rows).sum(axis=1)
    squares = np.maximum(norms[:, None] + norms[None] - 2 * rows @ rows.T, 0)
    median = np.median(squares[np.triu_indices(len(rows), 1)])
    return np.exp(-squares / max(median, np.finfo(float).tiny))


def _squares(kernel: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Unbiased squared discrepancy for each division of the rows, bool [divisions, rows]."""
    first = members.astype(float)
    second = 1 - first
    m, n = first.sum(axis=1), second.sum(axis=1)
    diagonal = kernel.diagonal()

    def within(part: np.ndarray, size: np.ndarray) -> np.ndarray:
        return (((part @ kernel) * part).sum(axis=1) - part @ diagonal) / (size * (size - 1))

    between = ((first @ kernel) * second).sum(axis=1) / (m * n)
    return within(first, m) + within(second, n) - 2 * between
