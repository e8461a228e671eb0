"""Standard errors of the changes of metrics, by the bootstrap."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from components.evaluation.statistics.weighted_metric import WeightedMetric

#: Samples of a bootstrap. They give a standard error to within 2 %.
SAMPLES = 1000

#: Values in one array: 1.6 MB, so that it stays in the cache of a core.
_CHUNK = 200_000


def bootstrap_errors(
    metrics: Sequence[tuple[WeightedMetric, WeightedMetric]],
    labels: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> list[float]:
    """Return the standard error of the change of every metric.

    The same pictures are drawn again for both models, and every class keeps its number of pictures
    (Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapters 6 and 8).

    Args:
        metrics: Metrics of the earlier model and of the candidate.
        labels: Ids of the true classes, [pictures].
        rng: Source of randomness.
    """
    changes: list[list[npt.NDArray[np.float64]]] = [[] for _ in metrics]
    for weights in _weights(labels, rng):
        for of_metric, (before, after) in zip(changes, metrics, strict=True):
            of_metric.append(after.values(weights) - before.values(weights))
    return [float(np.concatenate(of_metric).std()) for of_metric in changes]


def _weights(
    labels: npt.NDArray[np.int64], rng: np.random.Generator
) -> Iterator[npt.NDArray[np.float64]]:
    """Yield the weights of all pictures in some samples, float64 [pictures, samples].

    One picture less than a class has is drawn, and weighs more in exchange: otherwise the errors of
    classes with few pictures would be too small (Rao and Wu, "Resampling inference with complex
    survey data", Journal of the American Statistical Association 83, 1988).
    """
    order = np.argsort(labels, kind="stable")
    _, first, sizes = np.unique(labels[order], return_index=True, return_counts=True)
    drawn = np.maximum(sizes - 1, 1)
    starts: npt.NDArray[np.int64] = np.repeat(first, drawn)
    widths: npt.NDArray[np.int64] = np.repeat(sizes, drawn)
    weight = np.empty(len(labels))
    weight[order] = np.repeat(sizes / drawn, sizes)
    pictures = len(labels)
    columns = max(1, _CHUNK // pictures)
    for done in range(0, SAMPLES, columns):
        count = min(columns, SAMPLES - done)
        places = starts[:, None] + (rng.random((len(starts), count)) * widths[:, None]).astype(int)
        cells = order[places] * count + np.arange(count)
        times = np.bincount(cells.ravel(), minlength=pictures * count)
        yield times.reshape(pictures, count) * weight[:, None]
