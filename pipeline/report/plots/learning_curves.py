"""Learning curves of one stage of training."""

import math
from typing import Any

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from pipeline.report.plots.svg_plot import SERIES, draw_svg

SIZE = (340, 220)


def draw_loss_curve(stage: str, curve: list[dict[str, float]]) -> Markup:
    """Draw the training loss per epoch.

    Args:
        stage: Name of the stage.
        curve: `loss` and `eval` of every epoch.
    """
    return _draw(stage, "loss", curve, "training loss", SERIES[1])


def draw_score_curve(stage: str, curve: list[dict[str, float]]) -> Markup:
    """Draw the score on the eval split per epoch: the metric by which the stage is selected.

    Args:
        stage: Name of the stage.
        curve: `loss` and `eval` of every epoch.
    """
    return _draw(stage, "eval", curve, "score on the eval split", SERIES[0], limit=1)


def _draw(
    stage: str,
    key: str,
    curve: list[dict[str, float]],
    label: str,
    colour: str,
    limit: float = math.inf,
) -> Markup:
    """Draw a value per epoch, on an axis that ends at the limit of the value."""

    def plot(axes: Any) -> None:
        epochs = range(1, len(curve) + 1)
        style = ("o" if len(curve) < 25 else "") + "-"
        values = [epoch[key] for epoch in curve]
        axes.plot(epochs, values, style, color=colour, ms=4, clip_on=False)
        axes.set_ylim(top=min(limit, axes.get_ylim()[1]))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    title = f"{stage}: {label} per epoch"
    return draw_svg(f"{stage}-{key}", title, SIZE, plot, xlabel="epoch", ylabel=label)
