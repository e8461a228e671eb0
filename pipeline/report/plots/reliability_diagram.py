"""Reliability diagram of one domain."""

from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from pipeline.report.plots.svg_plot import INK, SERIES, draw_svg

SIZE = (300, 270)


def draw_reliability_diagram(domain: str, number: int, bins: npt.NDArray[np.floating]) -> Markup:
    """Draw accuracy against confidence, in bins. A calibrated model lies on the diagonal.

    Args:
        domain: Name of the domain.
        number: Number of the domain, unique in the page.
        bins: Rows, sum of confidences and correct predictions of every bin, see
            `trainer_module.export.calibration.calibration_bins`.
    """
    rows, confidence, correct = bins[bins[:, 0] > 0].T

    def plot(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], "--", color=INK, lw=1, alpha=0.6)
        axes.plot(confidence / rows, correct / rows, "-", color=SERIES[0], lw=1, alpha=0.5)
        area = 14 + 260 * rows / rows.sum()
        axes.scatter(
            confidence / rows, correct / rows, s=area, color=SERIES[0], lw=0, clip_on=False
        )

    limits = {"xlim": (-0.03, 1.03), "ylim": (-0.03, 1.03)}
    labels = {"xlabel": "confidence", "ylabel": "accuracy"}
    title = f"accuracy against confidence in {domain}"
    return draw_svg(f"reliability-{number}", title, SIZE, plot, **limits, **labels)
