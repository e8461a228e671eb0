"""Learning curves as plots."""

import re

from pipeline.report.plots.learning_curves import draw_loss_curve, draw_score_curve


def ticks(svg: str) -> list[float]:
    """Return the numbers at the axes, those of the three epochs first."""
    return [float(text) for text in re.findall(r">\s*([0-9.]+)\s*</text>", svg)]


def test_the_axis_of_a_score_ends_at_one_and_that_of_a_loss_does_not():
    curve = [{"loss": 1.0, "eval": 1.0}] * 3
    assert max(ticks(draw_score_curve("frozen", curve))[3:]) == 1
    assert max(ticks(draw_loss_curve("frozen", curve))[3:]) > 1
