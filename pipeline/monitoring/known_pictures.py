"""Pictures that a model knows, in groups, and how often they are on one side of a classifier."""

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from trainer_module.export.novelty import NoveltyModel, distances_to_nearest, normalised
from trainer_module.export.reference_embeddings import Reference

#: Principal components of the embeddings in which pictures are compared.
COMPONENTS = 128

#: Folds of cross-fitting: what a classifier says of a fold, it did not learn from.
FOLDS = 5

#: Nominal probability that the bound of any group is too low, for one classifier. As the prior is
#: taken to be weaker than it seems, the greatest bound is too low in 0.06 to 0.21 of simulations.
LEVEL = 0.5

#: Least and greatest number of pictures that all groups together stand for in one of them.
PRIOR_PICTURES = (2.0, 200.0)

#: Variance that is taken for 0, and smallest spread of distances that is divided by.
SMALLEST_VARIANCE, SMALLEST_SPREAD = 1e-6, 1e-9

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
Float64Array: TypeAlias = npt.NDArray[np.float64]
Rows: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class KnownPictures:
    """Eval pictures as points: principal components of the embedding, and the novelty's distance.

    The distance to the nearest mean is no linear function of the embedding, and a picture that is
    far from all means is new in any direction.

    Attributes:
        mean: Mean of the normalised embeddings, float64 [dim].
        components: Principal components, float64 [dim, components].
        novelty: Means that the novelty of the model is the distance to; None for a model without.
        scale: Offset and factor of this distance, which make its spread that of the first
            component.
        points: Pictures as points, float64 [rows, dim of points].
        labels: Classes of the pictures, str [rows].
        groups: Number of the group of every picture, int64 [rows]. A group is a class in a domain.
        folds: Number of the fold of every picture, below `FOLDS`, int64 [rows]; the pictures of a
            group are spread over all folds.
        weights: Weights of the pictures, float64 [rows]: all groups weigh the same.
    """

    mean: Float64Array
    components: Float64Array
    novelty: NoveltyModel | None
    scale: tuple[float, float]
    points: Float64Array
    labels: npt.NDArray[np.str_]
    groups: Rows
    folds: Rows
    weights: Float64Array

    @classmethod
    def of_reference(
        cls, reference: Reference, novelty: NoveltyModel | None = None
    ) -> "KnownPictures | None":
        """Group the reference embeddings of a model.

        Args:
            reference: Reference embeddings.
            novelty: Means that the novelty of the model is the distance to; None for a model
                without.

        Returns:
            None for a model that was exported without the labels of its reference embeddings.
        """
        if reference.labels is None:
            return None
        units = normalised(reference.embeddings).astype(np.float64)
        mean = units.mean(axis=0)
        centred = units - mean
        _, vectors = np.linalg.eigh(centred.T @ centred)
        components = vectors[:, ::-1][:, :COMPONENTS]
        names = np.stack([reference.domains.astype(str), reference.labels.astype(str)])
        _, groups = np.unique(names, axis=1, return_inverse=True)
        groups = groups.reshape(-1).astype(np.int64)
        sizes = np.bincount(groups)
        points, scale = centred @ components, (0.0, 1.0)
        if novelty is not None:
            distances = distances_to_nearest(novelty.means, reference.embeddings)
            spread = max(float(distances.std()), SMALLEST_SPREAD)
            scale = float(distances.mean()), float(points[:, 0].std()) / spread
            points = np.column_stack([points, (distances - scale[0]) * scale[1]])
        return cls(
            mean,
            components,
            novelty,
            scale,
            points,
            names[1],
            groups,
            _deal(groups),
            1 / sizes[groups] / len(sizes),
        )

    def project(self, embeddings: FloatArray) -> Float64Array:
        """Return embeddings as points, float64 [rows, dim of points].

        Args:
            embeddings: Embeddings, float [rows, dim].
        """
        points: Float64Array = (normalised(embeddings) - self.mean) @ self.components
        if self.novelty is not None:
            distances = distances_to_nearest(self.novelty.means, embeddings)
            points = np.column_stack([points, (distances - self.scale[0]) * self.scale[1]])
        return points

    def with_group(self, points: FloatArray) -> "KnownPictures":
        """Return these pictures and another group, of no class.

        Args:
            points: Pictures of the group as points, float [rows, dim of points]; none adds no
                group.
        """
        if not len(points):
            return self
        groups = np.append(self.groups, np.full(len(points), self.groups.max() + 1))
        sizes = np.bincount(groups)
        return replace(
            self,
            points=np.concatenate([self.points, points]),
            labels=np.append(self.labels, np.full(len(points), "")),
            groups=groups,
            folds=_deal(groups),
            weights=1 / sizes[groups] / len(sizes),
        )

    def greatest_share(self, is_chosen: npt.NDArray[np.bool_]) -> float:
        """Return an upper bound of the share of pictures that are chosen in any group.

        Args:
            is_chosen: Whether a picture is chosen, bool [rows].
        """
        chosen = np.bincount(self.groups, is_chosen).astype(np.float64)
        return float(upper_bounds(chosen, np.bincount(self.groups).astype(np.float64)).max())


def upper_bounds(chosen: Float64Array, sizes: Float64Array) -> Float64Array:
    """Return upper bounds of the shares of groups.

    The greatest bound is above the greatest share more often than 1 - `LEVEL` says. A group has few
    pictures, such as 30. Groups that behave alike tell about each other: the shares have a
    beta distribution as their prior. Its strength is fitted by the method of moments to how much
    they differ beyond chance, and a standard error more (empirical Bayes, as in "Proportions with
    extraneous variance", Kleinman, JASA 68, 1973).

    Args:
        chosen: Number of chosen pictures by group, float64 [groups].
        sizes: Number of pictures by group, float64 [groups].

    Example:
        >>> import numpy as np
        >>> from pipeline.monitoring.known_pictures import upper_bounds
        >>> alike = upper_bounds(np.full(20, 3.0), np.full(20, 30.0))
        >>> different = upper_bounds(np.array([3.0] * 19 + [20.0]), np.full(20, 30.0))
        >>> bool(alike.max() < 0.25), bool(different.max() > 0.7)
        (True, True)
    """
    shares = chosen / sizes
    mean = max(chosen.sum() / sizes.sum(), 0.5 / sizes.sum())
    variance = (np.square(shares - mean) * sizes).sum() / sizes.sum()
    variance *= 1 + np.sqrt(2 / len(sizes))
    by_chance = mean * (1 - mean) * len(sizes) / sizes.sum()
    between = max(variance - by_chance, SMALLEST_VARIANCE)
    prior = np.clip(mean * (1 - mean) / between - 1, *PRIOR_PICTURES)
    right = chosen + prior * mean
    wrong = np.maximum(sizes - chosen + prior * (1 - mean), 1e-9)
    return np.asarray(betaincinv(right, wrong, 1 - LEVEL / len(sizes)), np.float64)


def _deal(groups: Rows) -> Rows:
    folds = np.zeros(len(groups), np.int64)
    for group in range(groups.max() + 1):
        rows = np.flatnonzero(groups == group)
        folds[rows] = np.arange(len(rows)) % FOLDS
    return folds
