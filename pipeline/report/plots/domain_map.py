"""Where the pictures of every domain lie in the model's eyes, in two dimensions."""

from typing import Any

import numpy as np
from markupsafe import Markup

from pipeline.report.plots.svg import SERIES, draw

SIZE = (560, 420)

#: Matplotlib's markers, and the same as characters for the legend.
MARKERS = {"o": "\u25cf", "s": "\u25a0", "^": "\u25b2", "D": "\u25c6", "v": "\u25bc", "P": "\u271a"}


def draw_map(places: np.ndarray, domains: np.ndarray) -> Markup:
    """Draw a point per picture; the axes mean nothing, only what is near what.

    Args:
        places: float [pictures, 2].
        domains: str [pictures].
    """

    def plot(axes: Any) -> None:
        for number, domain in enumerate(sorted(set(domains))):
            x, y = places[domains == domain].T
            marker, colour = style(number)
            axes.scatter(x, y, s=18, marker=marker, color=colour, alpha=0.75, lw=0)
        axes.set_axis_off()

    return draw("map", "map of the pictures by domain", SIZE, plot)


def style(number: int) -> tuple[str, str]:
    """Marker and colour of a domain, by its number in name order: 36 pairs before they recur."""
    markers = list(MARKERS)
    turn = number + number // len(SERIES)
    return markers[turn % len(markers)], SERIES[number % len(SERIES)]
