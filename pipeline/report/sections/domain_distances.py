"""Distances between the embeddings of domains: a table and a map."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from pipeline.predicting.embedding_distance import embedding_distance
from pipeline.report.plots.domain_map import MARKERS, domain_style, draw_domain_map
from pipeline.report.plots.svg_plot import SERIES
from trainer_module.export.reference_embeddings import Reference

#: Points of the map, in all domains together. t-SNE takes a few seconds for them.
MAX_POINTS = 800

#: Domains with fewer eval pictures are left out.
MIN_PICTURES = 5

#: Perplexity of t-SNE: roughly the number of neighbours of a point that it preserves.
PERPLEXITY = 30


@dataclass(frozen=True)
class DomainDistances:
    """Distances between domains, see `embedding_distance`.

    Attributes:
        domains: Names of the domains, in the order of rows and columns.
        rows: Distance of every domain to every domain.
        map: Map of the pictures.
        legend: Marker, number of the colour and name of every domain on the map.
        num_points: Number of points of the map.
    """

    domains: list[str]
    rows: list[list[float]]
    map: Markup
    legend: list[tuple[str, int, str]]
    num_points: int


def measure_domain_distances(reference: Reference, domains: list[str]) -> DomainDistances | None:
    """Compare domains by the embeddings of their eval pictures.

    Args:
        reference: Reference embeddings of the model.
        domains: Names of the domains to compare.

    Returns:
        None if fewer than two of them have `MIN_PICTURES` eval pictures; smaller ones are left out.
    """
    embeddings = {
        domain: own
        for domain in domains
        if len(own := reference.of_domain(domain).embeddings) >= MIN_PICTURES
    }
    if len(embeddings) < 2:
        return None
    rows = [
        [embedding_distance(first, second) for second in embeddings.values()]
        for first in embeddings.values()
    ]
    for number in range(len(rows)):
        rows[number][number] = 0.0
    per_domain = MAX_POINTS // len(embeddings)
    names = np.concatenate([[name] * len(own[:per_domain]) for name, own in embeddings.items()])
    points = _project(np.concatenate([own[:per_domain] for own in embeddings.values()]))
    styles = [domain_style(number) for number in range(len(embeddings))]
    legend = [
        (MARKERS[marker], SERIES.index(colour) + 1, name)
        for (marker, colour), name in zip(styles, sorted(embeddings), strict=True)
    ]
    return DomainDistances(
        domains=list(embeddings),
        rows=rows,
        map=draw_domain_map(points, names),
        legend=legend,
        num_points=len(names),
    )


def _project(embeddings: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Project embeddings to two dimensions, float32 [rows, 2]; near rows stay near.

    The same rows give the same points. Method: "Visualizing data using t-SNE" (van der Maaten and
    Hinton, JMLR 9, 2008).

    Args:
        embeddings: Embeddings, float [rows, dim].
    """
    from sklearn.manifold import TSNE

    rows = embeddings.astype(np.float32)
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    points: npt.NDArray[np.float32] = TSNE(
        perplexity=perplexity, init="pca", random_state=17
    ).fit_transform(rows)
    return points
