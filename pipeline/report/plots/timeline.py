"""Accuracy in a domain from one candidate to the next."""

from typing import Any

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from pipeline.report.plots.svg import SERIES, draw

SIZE = (340, 220)


def draw_timeline(
    domain: str,
    number: int,
    accuracies: list[float | None],
    pushed: list[bool],
    least: float,
) -> Markup:
    """Pushed candidates are discs on a line, rejected ones are crosses.

    Args:
        domain: its name.
        number: of the domain, unique in the page.
        accuracies: of every candidate, None where it was not tested in this domain.
        pushed: whether it was.
        least: accuracy of all plots of the page, so that they can be compared.
    """
    points = [
        (place, value, served)
        for place, (value, served) in enumerate(zip(accuracies, pushed, strict=True), start=1)
        if value is not None
    ]

    def plot(axes: Any) -> None:
        for served, form, colour in ((True, "o-", SERIES[0]), (False, "x", SERIES[1])):
            own = [(place, value) for place, value, which in points if which == served]
            if own:
                axes.plot(*zip(*own, strict=True), form, color=colour, ms=6, mew=2)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    limits = {"xlim": (0.5, len(accuracies) + 0.5), "ylim": (max(0.0, least - 0.05), 1.02)}
    labels = {"xlabel": "candidate", "ylabel": "accuracy"}
    title = f"accuracy of every candidate in {domain}"
    return draw(f"timeline-{number}", title, SIZE, plot, **limits, **labels)
