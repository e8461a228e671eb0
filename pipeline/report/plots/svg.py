"""Matplotlib figures as SVG that takes its colours and its font from the page."""

import io
import re
from collections.abc import Callable
from typing import Any

from markupsafe import Markup

#: Colours that matplotlib draws with, and what they become: the page knows light from dark.
INK, GRID = "#010203", "#010204"
SERIES = tuple(f"#0102{number:02x}" for number in range(0x10, 0x16))
_ON_PAGE = {
    INK: "currentColor",
    GRID: "var(--line)",
    **{colour: f"var(--series-{number})" for number, colour in enumerate(SERIES, start=1)},
}

#: Pixels per inch of the page.
_DPI = 72

_STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # names may hold dollar signs
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


def draw(
    name: str, title: str, size: tuple[int, int], plot: Callable[[Any], None], **scales: Any
) -> Markup:
    """Draw one plot.

    Args:
        name: unique in its page.
        title: what it shows, for those who do not see it.
        size: width and height in pixels.
        plot: draws on matplotlib axes, in `INK`, `GRID` and `SERIES`.
        scales: of the axes, for `Axes.set`.

    Returns:
        An `svg` element; the same figure gives the same text.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE | {"svg.hashsalt": name}):
        figure = Figure((size[0] / _DPI, size[1] / _DPI), dpi=_DPI, layout="constrained")
        axes = figure.add_subplot()
        plot(axes)
        axes.set(**scales)
        file = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    return _for_page(file.getvalue(), title)


def _for_page(text: str, title: str) -> Markup:
    """Without what only a file needs, and with the page's colours."""
    body = text[text.index("<svg") :]
    box = re.search(r'viewBox="([^"]*)"', body)
    inside = body[body.index(">") + 1 :]
    inside = re.sub(r"<metadata>.*?</metadata>", "", inside, flags=re.DOTALL)
    inside = re.sub(r'<g id="[^"]*"', "<g", inside)  # the same in every figure
    for drawn, shown in _ON_PAGE.items():
        inside = inside.replace(drawn, shown)
    start = Markup('<svg role="img" aria-label="{}" viewBox="{}" xmlns:xlink="{}">').format(
        title, box.group(1) if box else "", "http://www.w3.org/1999/xlink"
    )
    return start + Markup(inside)  # noqa: S704 (matplotlib escapes its texts)
