"""Measures how unlike the training pictures a picture is, by its embedding.

The distance is that of the normalised embedding to the nearest mean of a class in a domain. It is
the Mahalanobis distance of "A simple unified framework for detecting out-of-distribution samples
and adversarial attacks" (Lee and others, 2018, arXiv 1807.03888) with equal variances, and the
distance of "Out-of-distribution detection with deep nearest neighbors" (Sun and others, 2022, arXiv
2204.06507) with means in place of pictures. docs/training.md has the comparison with both. An
export holds no embedding of a single picture.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from trainer_module.contract.model_assets import NOVELTY
from trainer_module.contract.workspace_files.array_files import read_arrays, write_arrays

#: Most distances of the eval split that a percentile is read from.
MAX_QUANTILES = 128

#: Fewest pictures that have a mean of their own: fewer would say much about each of them.
MIN_PICTURES = 5

#: Novelty above which one in twenty pictures of known domains is.
HIGH_NOVELTY = 0.95

#: Smallest length that an embedding is divided by, and smallest step between distances.
SMALLEST_NORM, SMALLEST_STEP = 1e-6, 1e-5

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
Float32Array: TypeAlias = npt.NDArray[np.float32]
Names: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class NoveltyModel:
    """Means of the training pictures, and what distances to them are usual.

    Attributes:
        means: Means of normalised embeddings, float32 [means, dim].
        distances: Distances of the eval split, ascending and different, float32 [quantiles].
        levels: Novelty at these distances, ascending from 0 to 1, float32 [quantiles].
    """

    means: Float32Array
    distances: Float32Array
    levels: Float32Array

    def novelty(self, embeddings: FloatArray) -> Float32Array:
        """Return the novelty of pictures, 0 to 1, float32 [rows]; 0.5 is usual.

        Args:
            embeddings: Embeddings, float [rows, dim].
        """
        distances = distances_to_nearest(self.means, embeddings)
        return np.interp(distances, self.distances, self.levels).astype(np.float32)

    def write(self, model: str) -> None:
        """Write the arrays into the folder of a model.

        Args:
            model: Folder of the SavedModel.
        """
        write_arrays(model, NOVELTY, vars(self))


def read_novelty(model: str) -> NoveltyModel | None:
    """Read the arrays of a model; None for a model that was exported without novelty.

    Args:
        model: Folder of the SavedModel.

    Raises:
        UnavailableError: The file is unreadable or damaged.
    """
    return read_arrays(
        model,
        NOVELTY,
        "means of the embeddings",
        lambda arrays: NoveltyModel(arrays["means"], arrays["distances"], arrays["levels"]),
    )


def fit_novelty(
    embeddings: FloatArray, domains: Names, labels: Names, eval_embeddings: FloatArray
) -> NoveltyModel:
    """Compute the means of training pictures, and fit the novelty to the eval split.

    Args:
        embeddings: Embeddings of training pictures, float [rows, dim].
        domains: Names of their domains, str [rows].
        labels: Names of their classes, str [rows].
        eval_embeddings: Embeddings of the eval split, float [eval rows, dim].

    Example:
        >>> import numpy as np
        >>> from trainer_module.export.novelty import fit_novelty
        >>> known = np.random.default_rng(1).normal(0, 1, (300, 16)) + np.eye(16)[0] * 9
        >>> names = np.array(["day"] * 200), np.array(["cat"] * 200)
        >>> model = fit_novelty(known[:200], *names, known[200:])
        >>> bool(abs(np.median(model.novelty(known[200:])) - 0.5) < 0.02)
        True
        >>> bool(model.novelty(-known[200:]).min() > 0.99)
        True
    """
    means = _means(normalised(embeddings), domains, labels)
    return NoveltyModel(means, *_fit_levels(distances_to_nearest(means, eval_embeddings)))


def normalised(embeddings: FloatArray) -> Float32Array:
    """Return embeddings of length 1, float32 [rows, dim]; zeros stay zeros."""
    rows = embeddings.astype(np.float32)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    units: Float32Array = rows / np.maximum(norms, SMALLEST_NORM)
    return units


def distances_to_nearest(means: Float32Array, embeddings: FloatArray) -> Float32Array:
    """Return the squared Euclidean distance to the nearest mean, float32 [rows].

    Args:
        means: Means of normalised embeddings, float32 [means, dim].
        embeddings: Embeddings, float [rows, dim]; they are normalised.
    """
    squares = np.square(means).sum(axis=1) - 2 * normalised(embeddings) @ means.T
    nearest: Float32Array = 1 + squares.min(axis=1)
    return nearest


def _means(units: Float32Array, domains: Names, labels: Names) -> Float32Array:
    """Return the means of every class in every domain, float32 [means, dim].

    Where a class has too few pictures in a domain, its mean is that over all domains; where it has
    too few in all, that of all pictures.
    """
    by_class = {str(label): labels == label for label in set(labels)}
    chosen: dict[tuple[str, ...], Float32Array] = {}
    for domain, label in sorted(set(zip(domains.tolist(), labels.tolist(), strict=True))):
        of_class = by_class[str(label)]
        of_group = of_class & (domains == domain)
        if of_group.sum() >= MIN_PICTURES:
            chosen[str(domain), str(label)] = units[of_group].mean(axis=0)
        elif of_class.sum() >= MIN_PICTURES:
            chosen[(str(label),)] = units[of_class].mean(axis=0)
        else:
            chosen[()] = units.mean(axis=0)
    return np.stack(list(chosen.values()))


def _fit_levels(distances: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Return distances and the novelty at each, so that the novelty of a split is uniform.

    With n pictures, the one with the greatest distance has a novelty of n / (n + 1), as with a
    conformal p-value. The novelty reaches 1 as far beyond it as it is from the median, and 0 as far
    below the least distance as that is from the median.
    """
    shares = np.linspace(0, 1, min(len(distances), MAX_QUANTILES))
    quantiles = np.asarray(np.quantile(distances.astype(np.float64), shares))
    levels = (shares * (len(distances) - 1) + 1) / (len(distances) + 1)
    least, median, greatest = quantiles[0], np.median(quantiles), quantiles[-1]
    start = least - max(median - least, SMALLEST_STEP)
    end = greatest + max(greatest - median, SMALLEST_STEP)
    quantiles = np.concatenate([[start], quantiles, [end]])
    levels = np.concatenate([[0.0], levels, [1.0]])
    kept = [0]  # of equal distances the first one; the last distance is always kept
    for position in range(1, len(quantiles)):
        if quantiles[position] - quantiles[kept[-1]] >= SMALLEST_STEP / 2:
            kept.append(position)
    levels[kept[-1]] = 1.0
    return quantiles[kept].astype(np.float32), levels[kept].astype(np.float32)
