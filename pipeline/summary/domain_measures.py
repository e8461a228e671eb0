"""Medians of the picture statistics of every domain, as measured at ingestion."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer_module.contract import example_features

#: Column of the catalog -> heading, factor and number of decimal digits of the shown median.
MEASURES = {
    "brightness": ("bright", 255, 0),
    "contrast": ("contrast", 255, 0),
    "sharpness": ("sharp", 1, 1),
    "colourfulness": ("colour", 1, 0),
}
COLUMNS = (*MEASURES, "width", "height")

HEADINGS = ("pictures", "classes", *(heading for heading, _, _ in MEASURES.values()), "size")
CAPTION = "medians; brightness and contrast of 255, size in pixels"


@dataclass(frozen=True)
class DomainMeasures:
    """Medians of the picture statistics of one domain.

    Attributes:
        domain: Name of the domain.
        pictures: Number of usable pictures.
        classes: Number of classes with usable pictures.
        medians: Median of every column of `COLUMNS`, multiplied by the factor in `MEASURES`.
    """

    domain: str
    pictures: int
    classes: int
    medians: dict[str, float]

    @property
    def texts(self) -> list[str]:
        """Formatted medians: one text for each of `MEASURES`, and one for the size."""
        size = "x".join(f"{self.medians[name]:.0f}" for name in ("width", "height"))
        shown = (f"{self.medians[name]:,.{digits}f}" for name, (_, _, digits) in MEASURES.items())
        return [*shown, size]


def read_domain_measures(catalog_uri: str) -> list[DomainMeasures]:
    """Return the medians of every domain, ordered by name.

    Args:
        catalog_uri: URI of the `catalog` artifact of ImageExampleGen.
    """
    values, labels = _read(catalog_uri)
    factors = {name: factor for name, (_, factor, _) in MEASURES.items()}
    rows = []
    for domain in sorted(values):
        columns = {name: np.concatenate(values[domain][name]) for name in COLUMNS}
        medians = {
            name: float(np.median(column) * factors.get(name, 1))
            for name, column in columns.items()
        }
        rows.append(DomainMeasures(domain, len(columns["width"]), len(labels[domain]), medians))
    return rows


def _read(
    catalog_uri: str,
) -> tuple[dict[str, dict[str, list[npt.NDArray[Any]]]], dict[str, set[str]]]:
    """Return the values per domain and column, and the classes per domain."""
    from components.image_example_gen.catalog import read_catalog

    values: dict[str, dict[str, list[npt.NDArray[Any]]]] = defaultdict(lambda: defaultdict(list))
    labels: dict[str, set[str]] = defaultdict(set)
    for part in read_catalog(
        catalog_uri, [example_features.DOMAIN, example_features.LABEL, *COLUMNS]
    ):
        domains = np.array(part[example_features.DOMAIN].to_pylist(), object)
        classes = np.array(part[example_features.LABEL].to_pylist(), object)
        for domain in set(domains):
            rows = domains == domain
            labels[domain].update(classes[rows])
            for name in COLUMNS:
                values[domain][name].append(part[name].to_numpy()[rows])
    return values, labels
