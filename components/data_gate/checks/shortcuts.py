"""Finds properties of a picture or its domain that tell its class without looking at what it shows.

A model learns the simplest property that goes with a class ("Shortcut learning in deep neural
networks", Geirhos and others, 2020, arXiv 2004.07780). Accuracy on pictures that were collected in
the same way does not show it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.data_gate.statistics.split_statistics import NUMERIC_FEATURES
from components.image_example_gen.catalog import read_catalog
from trainer_module.contract import example_features

#: Least difference of two shares: that of the pictures of a class that have a property, and that
#: of the others. With 0.8, at least nine of ten pictures are told apart where both are as many.
MIN_STRENGTH = 0.8

#: Fewest pictures of a class, and of the others. By chance alone, so few differ by 0.5.
MIN_PICTURES = 20

Values: TypeAlias = npt.NDArray[np.number[Any]]


@dataclass(frozen=True)
class Shortcut:
    """A property that most pictures of a class have and few others, or the other way round.

    Attributes:
        label: Class that the property tells from all others.
        domain: Domain in which a feature does; None if the domains themselves are the property.
        feature: Name of a numeric feature, or `example_features.DOMAIN`.
        value: Limit of the feature, at most which most pictures of the class lie or most others;
            domains that have the class.
        share: Share of the pictures of the class that have the property.
        others: Share of the other pictures that have it.
    """

    label: str
    domain: str | None
    feature: str
    value: float | tuple[str, ...]
    share: float
    others: float

    @property
    def strength(self) -> float:
        """Difference of both shares, 0 to 1."""
        return abs(self.share - self.others)


@dataclass(frozen=True)
class _Pictures:
    """Labelled pictures, one row each: codes of labels and domains, and their features."""

    labels: npt.NDArray[np.int32]
    domains: npt.NDArray[np.int32]
    label_names: list[str]
    domain_names: list[str]
    features: dict[str, Values]


def find_shortcuts(catalog_uri: str) -> list[Shortcut]:
    """Return the shortcuts of a catalog, the strongest of every class and domain, strongest first.

    Args:
        catalog_uri: URI of ingestion's `catalog` artifact. 40 bytes per picture are in memory.
    """
    pictures = _read(catalog_uri)
    found = [*_domain_shortcuts(pictures), *_feature_shortcuts(pictures)]
    return sorted(found, key=lambda shortcut: -shortcut.strength)


def _read(catalog_uri: str) -> _Pictures:
    names = [example_features.LABEL, example_features.DOMAIN]
    table = pa.concat_tables(read_catalog(catalog_uri, [*names, *NUMERIC_FEATURES]))
    labels, domains = (pa.concat_arrays(table[name].chunks).dictionary_encode() for name in names)
    return _Pictures(
        labels=labels.indices.to_numpy(),
        domains=domains.indices.to_numpy(),
        label_names=labels.dictionary.to_pylist(),
        domain_names=domains.dictionary.to_pylist(),
        features={name: table[name].to_numpy() for name in NUMERIC_FEATURES},
    )


def _domain_shortcuts(pictures: _Pictures) -> Iterator[Shortcut]:
    """Yield the classes whose pictures are in some domains, and all others elsewhere."""
    size = (len(pictures.label_names), len(pictures.domain_names))
    counts = np.zeros(size, np.int64)
    np.add.at(counts, (pictures.labels, pictures.domains), 1)
    for code in _comparable(counts.sum(axis=1)):
        own, rest = counts[code], counts.sum(axis=0) - counts[code]
        shares, others = own / own.sum(), rest / rest.sum()
        more = shares > others
        if shares[more].sum() - others[more].sum() >= MIN_STRENGTH:
            yield Shortcut(
                label=pictures.label_names[code],
                domain=None,
                feature=example_features.DOMAIN,
                value=tuple(sorted(np.array(pictures.domain_names, object)[more])),
                share=float(shares[more].sum()),
                others=float(others[more].sum()),
            )


def _feature_shortcuts(pictures: _Pictures) -> Iterator[Shortcut]:
    """Yield the feature that tells a class best in a domain, for every class and domain."""
    for domain_code, domain in enumerate(pictures.domain_names):
        in_domain = np.flatnonzero(pictures.domains == domain_code)
        labels = pictures.labels[in_domain]
        features = {
            name: _RankedValues.of(values[in_domain]) for name, values in pictures.features.items()
        }
        counts = np.bincount(labels)
        rows_of_classes = np.split(np.argsort(labels, kind="stable"), np.cumsum(counts)[:-1])
        for code in _comparable(counts):
            rows = rows_of_classes[code]
            best = max((ranked.best_limit(rows), name) for name, ranked in features.items())
            (strength, limit, share, others), feature = best
            if strength >= MIN_STRENGTH:
                label = pictures.label_names[code]
                yield Shortcut(label, domain, feature, limit, share, others)


def _comparable(counts: npt.NDArray[np.int64]) -> list[int]:
    """Return the classes that can be compared with all others; of two classes the rarer one.

    Args:
        counts: Number of pictures of each class.
    """
    enough = np.minimum(counts, counts.sum() - counts) >= MIN_PICTURES
    if np.count_nonzero(counts) == 2:
        enough[counts.argmax()] = False
    return [int(code) for code in np.flatnonzero(enough)]


@dataclass(frozen=True)
class _RankedValues:
    """A feature of the pictures of a domain, sorted once for all classes.

    Attributes:
        limits: Different values, ascending, [limits].
        ranks: Position of each value in `limits`, int64 [rows].
        at_most: Number of values that are at most each limit, int64 [limits].
    """

    limits: Values
    ranks: npt.NDArray[np.int64]
    at_most: npt.NDArray[np.int64]

    @classmethod
    def of(cls, values: Values) -> "_RankedValues":
        """Sort values."""
        limits, ranks, counts = np.unique(values, return_inverse=True, return_counts=True)
        return cls(limits, ranks, np.cumsum(counts))

    def best_limit(self, rows: npt.NDArray[np.int64]) -> tuple[float, float, float, float]:
        """Return how well a limit tells some rows from all others, and which one does it best.

        It is the statistic of Kolmogorov and Smirnov, and where it is reached: at a value of these
        rows, or just below one.

        Args:
            rows: Positions of the rows, int64 [rows of the class].

        Returns:
            Difference of the shares, limit, and the share of both groups that is at most the limit.
        """
        ranks, counts = np.unique(self.ranks[rows], return_counts=True)
        own = np.cumsum(counts)
        at = np.concatenate([ranks, ranks - 1])
        own = np.concatenate([own, own - counts])[at >= 0]
        at = at[at >= 0]
        shares = own / len(rows)
        others = (self.at_most[at] - own) / (len(self.ranks) - len(rows))
        best = int(np.abs(shares - others).argmax())
        share, other = float(shares[best]), float(others[best])
        return abs(share - other), float(self.limits[at[best]]), share, other
