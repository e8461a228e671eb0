"""Matplotlib plots as SVG elements that inherit colours and font from the page."""

import io
import re
from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from trainer_module.contract.printable_names import printable_name

#: Colours in which matplotlib draws. The page defines what they become, in light and in dark.
INK, GRID = "#010203", "#010204"
SERIES = tuple(f"#0102{number:02x}" for number in range(0x10, 0x16))
_PAGE_COLOURS = {
    INK: "currentColor",
    GRID: "var(--line)",
    **{colour: f"var(--series-{number})" for number, colour in enumerate(SERIES, start=1)},
}

#: Pixels of the page per inch of matplotlib.
_DPI = 72

_STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # names of domains may contain dollar signs
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "font.size": 11,
    "lines.linewidth": 1.8,
}


def draw_svg(
    name: str, title: str, size: tuple[int, int], plot: Callable[[Any], None], **scales: Any
) -> Markup:
    """Draw one plot.

    Args:
        name: Name of the plot, unique in its page.
        title: Description of the plot, for screen readers.
        size: Width and height in pixels.
        plot: Function that draws on matplotlib axes, in the colours `INK`, `GRID` and `SERIES`.
        **scales: Arguments of `Axes.set`, such as limits and labels.

    Returns:
        An `svg` element. The same plot gives the same text.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE | {"svg.hashsalt": name}):
        figure = Figure((size[0] / _DPI, size[1] / _DPI), dpi=_DPI, layout="constrained")
        axes = figure.add_subplot()
        plot(axes)
        axes.set(**scales)
        file = io.StringIO()
        no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=no_metadata)
    return _embed(file.getvalue(), title)


def _embed(text: str, title: str) -> Markup:
    """Turn an SVG file into an element: drop header, metadata and ids, and set the colours."""
    body = text[text.index("<svg") :]
    box = re.search(r'viewBox="([^"]*)"', body)
    inside = body[body.index(">") + 1 :]
    inside = re.sub(r"<metadata>.*?</metadata>", "", inside, flags=re.DOTALL)
    inside = re.sub(r'<g id="[^"]*"', "<g", inside)  # an id must be unique in the page
    for drawn, on_page in _PAGE_COLOURS.items():
        inside = inside.replace(drawn, on_page)
    start = Markup('<svg role="img" aria-label="{}" viewBox="{}" xmlns:xlink="{}">').format(
        printable_name(title), box.group(1) if box else "", "http://www.w3.org/1999/xlink"
    )
    return start + Markup(inside)  # noqa: S704 (matplotlib escapes its texts)
