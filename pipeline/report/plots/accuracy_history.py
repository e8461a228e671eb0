"""Accuracy of all candidates in one domain."""

from typing import Any

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from pipeline.report.plots.svg_plot import SERIES, draw_svg

SIZE = (340, 220)


def draw_accuracy_history(
    domain: str,
    number: int,
    accuracies: list[float | None],
    pushed: list[bool],
    lowest: float,
    best: int | None = None,
) -> Markup:
    """Draw pushed candidates as discs on a line, rejected ones as crosses, the best with a ring.

    Args:
        domain: Name of the domain.
        number: Number of the domain, unique in the page.
        accuracies: Accuracy of every candidate; None if it was not tested in this domain.
        pushed: Whether each candidate was pushed.
        lowest: Lowest accuracy in any plot of the page, so that all have the same scale.
        best: Index of the candidate that is the best version in this domain; None for no ring.
    """
    points = [
        (position, value, was_pushed)
        for position, (value, was_pushed) in enumerate(
            zip(accuracies, pushed, strict=True), start=1
        )
        if value is not None
    ]

    def plot(axes: Any) -> None:
        for was_pushed, form, colour in ((True, "o-", SERIES[0]), (False, "x", SERIES[1])):
            own = [(position, value) for position, value, which in points if which == was_pushed]
            if own:
                axes.plot(*zip(*own, strict=True), form, color=colour, ms=6, mew=2)
        if best is not None:
            ring = {"mfc": "none", "mec": SERIES[2], "ms": 13, "mew": 2}
            axes.plot(best + 1, accuracies[best], "o", **ring)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))

    limits = {"xlim": (0.5, len(accuracies) + 0.5), "ylim": (max(0.0, lowest - 0.05), 1.02)}
    labels = {"xlabel": "candidate", "ylabel": "accuracy"}
    title = f"accuracy of every candidate in {domain}"
    return draw_svg(f"timeline-{number}", title, SIZE, plot, **limits, **labels)
