"""How often answers of a confidence are right, for one domain."""

from typing import Any

import numpy as np
from markupsafe import Markup

from pipeline.report.plots.svg import INK, SERIES, draw

SIZE = (300, 270)


def draw_reliability(domain: str, number: int, bins: np.ndarray) -> Markup:
    """Accuracy against confidence, in bins; on the diagonal, confidence can be trusted.

    Args:
        domain: its name.
        number: of the domain, unique in the page.
        bins: see `trainer_module.export.calibration.calibration_bins`.
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
    return draw(f"reliability-{number}", title, SIZE, plot, **limits, **labels)
