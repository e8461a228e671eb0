"""What the pictures of every domain are like, as a table for the terminal."""

from collections import defaultdict

import numpy as np
from rich import box
from rich.markup import escape
from rich.table import Table

from components.image_example_gen.catalog import read_catalog
from trainer_module import features

#: Column of the catalog -> heading, factor and digits; medians are shown.
MEASURES = {
    "brightness": ("bright", 255, 0),
    "contrast": ("contrast", 255, 0),
    "sharpness": ("sharp", 1, 1),
    "colourfulness": ("colour", 1, 0),
}
COLUMNS = (*MEASURES, "width", "height")


def domain_table(catalog_uri: str) -> Table:
    """A row per domain: pictures, classes, and medians of what was measured.

    Args:
        catalog_uri: of ingestion's `catalog` artifact.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1))
    table.add_column("domain", overflow="fold")
    for name in ("pictures", "classes", *(heading for heading, _, _ in MEASURES.values()), "size"):
        table.add_column(name, justify="right", no_wrap=True)
    values, labels = _read(catalog_uri)
    for domain in sorted(values):
        columns = {name: np.concatenate(values[domain][name]) for name in COLUMNS}
        medians = (
            f"{np.median(columns[name]) * factor:,.{digits}f}"
            for name, (_, factor, digits) in MEASURES.items()
        )
        size = "x".join(f"{np.median(columns[name]):.0f}" for name in ("width", "height"))
        counts = f"{len(columns['width']):,}", f"{len(labels[domain]):,}"
        table.add_row(escape(domain), *counts, *medians, size)
    table.caption = "medians; brightness and contrast of 255, size in pixels"
    table.caption_justify = "left"
    return table


def _read(
    catalog_uri: str,
) -> tuple[dict[str, dict[str, list[np.ndarray]]], dict[str, set[str]]]:
    """Values per domain and column, and classes per domain."""
    values: dict[str, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    labels: dict[str, set[str]] = defaultdict(set)
    for part in read_catalog(catalog_uri, [features.DOMAIN, features.LABEL, *COLUMNS]):
        domains = np.array(part[features.DOMAIN].to_pylist(), object)
        classes = np.array(part[features.LABEL].to_pylist(), object)
        for domain in set(domains):
            rows = domains == domain
            labels[domain].update(classes[rows])
            for name in COLUMNS:
                values[domain][name].append(part[name].to_numpy()[rows])
    return values, labels
