"""Words for how pictures look, where every known domain looks otherwise."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from components.data_gate.statistics.distributions import Distribution
from trainer_module.contract.example_features import MEASURES

#: Words for a low and a high value of every measure.
WORDS = {
    "brightness": ("dark", "bright"),
    "contrast": ("low in contrast", "high in contrast"),
    "sharpness": ("blurred", "full of detail"),
    "colourfulness": ("colourless", "colourful"),
}

#: The median picture is below or above this share of the pictures of every known domain.
TAIL = 0.1


def describe_look(
    measures: npt.NDArray[np.float32], domains: Mapping[str, Mapping[str, Distribution]]
) -> list[str]:
    """Return words such as "dark" for pictures; none where a known domain looks alike.

    Args:
        measures: `MEASURES` of the pictures in this order, float32 [rows, 4].
        domains: Distributions of the training pictures, by domain and measure.
    """
    words = []
    for number, name in enumerate(MEASURES):
        known = [found[name] for found in domains.values() if name in found]
        if not known or not len(measures):
            continue
        lows, highs = np.array([one.quantiles((TAIL, 1 - TAIL)) for one in known]).T
        median = float(np.median(measures[:, number]))
        if median < lows.min():
            words.append(WORDS[name][0])
        elif median > highs.max():
            words.append(WORDS[name][1])
    return words
