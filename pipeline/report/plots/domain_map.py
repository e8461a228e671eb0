"""Scatter plot of embeddings in two dimensions, by domain."""

from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from pipeline.report.plots.svg_plot import SERIES, draw_svg

SIZE = (560, 420)

#: Matplotlib's markers, and similar characters for the legend.
MARKERS = {"o": "\u25cf", "s": "\u25a0", "^": "\u25b2", "D": "\u25c6", "v": "\u25bc", "P": "\u271a"}


def draw_domain_map(points: npt.NDArray[np.floating], domains: npt.NDArray[np.str_]) -> Markup:
    """Draw a point per picture. The axes have no meaning, only the distances between points.

    Args:
        points: Positions, float [pictures, 2].
        domains: Domains, str [pictures].
    """

    def plot(axes: Any) -> None:
        for number, domain in enumerate(sorted(set(domains))):
            x, y = points[domains == domain].T
            marker, colour = domain_style(number)
            axes.scatter(x, y, s=18, marker=marker, color=colour, alpha=0.75, lw=0)
        axes.set_axis_off()

    return draw_svg("map", "map of the pictures by domain", SIZE, plot)


def domain_style(number: int) -> tuple[str, str]:
    """Return the marker and the colour of a domain. There are 36 different pairs.

    Args:
        number: Position of the domain in the order of the names.
    """
    markers = list(MARKERS)
    position = number + number // len(SERIES)
    return markers[position % len(markers)], SERIES[number % len(SERIES)]
