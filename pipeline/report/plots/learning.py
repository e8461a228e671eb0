"""Learning curves of a stage of training."""

from typing import Any

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from pipeline.report.plots.svg import SERIES, draw

SIZE = (340, 220)


def draw_loss(stage: str, curve: list[dict[str, float]]) -> Markup:
    """Training loss per epoch."""
    return _draw(stage, "loss", curve, "training loss", SERIES[1])


def draw_score(stage: str, curve: list[dict[str, float]]) -> Markup:
    """The number that stages are chosen by, per epoch, on the eval split."""
    return _draw(stage, "eval", curve, "score on the eval split", SERIES[0])


def _draw(stage: str, key: str, curve: list[dict[str, float]], what: str, colour: str) -> Markup:
    def plot(axes: Any) -> None:
        epochs = range(1, len(curve) + 1)
        marker = "o" if len(curve) < 25 else ""
        axes.plot(epochs, [epoch[key] for epoch in curve], marker + "-", color=colour, ms=4)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    title = f"{stage}: {what} per epoch"
    return draw(f"{stage}-{key}", title, SIZE, plot, xlabel="epoch", ylabel=what)
