"""How far apart domains are in the model's eyes: a table of distances, and a map."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from pipeline.predicting.embedding_distance import distance
from pipeline.report.plots.domain_map import MARKERS, draw_map, style
from pipeline.report.plots.svg import SERIES
from trainer_module.export.reference_embeddings import Reference

#: Points on the map, in all domains together: t-SNE takes a few seconds for them.
MOST_POINTS = 800

#: With fewer pictures, nothing is said of a domain.
LEAST_PICTURES = 5

#: How many neighbours t-SNE looks at.
PERPLEXITY = 30


@dataclass(frozen=True)
class Distances:
    """Distances between domains, see `two_sample.distance`.

    Attributes:
        domains: in name order.
        rows: distance of each to each.
        map: of the pictures.
        legend: marker, number of its colour and name of each domain.
        points: on the map.
    """

    domains: list[str]
    rows: list[list[float]]
    map: Markup
    legend: list[tuple[str, int, str]]
    points: int


def measure_distances(reference: Reference, domains: list[str]) -> Distances | None:
    """Compare domains by the embeddings of their eval pictures.

    Args:
        reference: of the model.
        domains: to compare.

    Returns:
        None where fewer than two of them have enough pictures.
    """
    present = {
        domain: own
        for domain in domains
        if len(own := reference.of(domain).embeddings) >= LEAST_PICTURES
    }
    if len(present) < 2:
        return None
    rows = [[distance(first, second) for second in present.values()] for first in present.values()]
    for number in range(len(rows)):
        rows[number][number] = 0.0
    per_domain = MOST_POINTS // len(present)
    names = np.concatenate([[name] * len(own[:per_domain]) for name, own in present.items()])
    places = _spread(np.concatenate([own[:per_domain] for own in present.values()]))
    styles = [style(number) for number in range(len(present))]
    legend = [
        (MARKERS[marker], SERIES.index(colour) + 1, name)
        for (marker, colour), name in zip(styles, sorted(present), strict=True)
    ]
    return Distances(list(present), rows, draw_map(places, names), legend, len(names))


def _spread(embeddings: np.ndarray) -> np.ndarray:
    """Two dimensions in which near rows stay near, float [rows, 2]; the same rows, the same map.

    Method: "Visualizing data using t-SNE" (van der Maaten and Hinton, JMLR 9, 2008).
    """
    from sklearn.manifold import TSNE

    rows = embeddings.astype(np.float32)
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    return TSNE(perplexity=perplexity, init="pca", random_state=17).fit_transform(rows)
