"""Numeric features in which two groups of pictures differ, and their description."""

from dataclasses import dataclass

import numpy as np

from components.data_gate.statistics.distributions import (
    Distribution,
    Divergence,
    compare_numeric,
)
from components.data_gate.statistics.split_statistics import NUMERIC_FEATURES, PictureStatistics

#: Medians are shown where the median of one group lies at least so far from the middle of the
#: other, as a share of its pictures. Otherwise ranges are shown.
MIN_MEDIAN_SHIFT = 0.15

#: Number of differences that a text describes, the largest first.
MAX_LISTED = 3


@dataclass(frozen=True)
class Display:
    """How a numeric feature is shown: its name, a factor for its values, and their unit."""

    name: str
    factor: float = 1
    unit: str = ""


#: Brightness and contrast are shown on the scale of pixel values, 0 to 255.
DISPLAYS = {
    "brightness": Display("brightness", 255),
    "contrast": Display("contrast", 255),
    "sharpness": Display("sharpness"),
    "colourfulness": Display("colourfulness"),
    "width": Display("width", 1, " px"),
    "height": Display("height", 1, " px"),
    "num_bytes": Display("file size", 1e-3, " KB"),
}


@dataclass(frozen=True)
class Difference:
    """A feature whose distribution differs between two groups of pictures.

    Attributes:
        divergence: Size of the difference.
        text: Values of both groups, such as `median brightness 31, training data 118`.
    """

    divergence: Divergence
    text: str


def differences(
    pictures: PictureStatistics, reference: PictureStatistics, template: str, limit: float
) -> list[Difference]:
    """Return the features that differ by more than chance and a limit, the largest first.

    Args:
        pictures: Statistics of the pictures to describe.
        reference: Statistics of the pictures to compare them with.
        template: Format of the two values, such as `{}, training data {}`.
        limit: Tolerated divergence, see `Divergence`.
    """
    found = []
    for name in NUMERIC_FEATURES:
        if name in pictures.numeric and name in reference.numeric:
            first, second = pictures.numeric[name], reference.numeric[name]
            divergence = compare_numeric(first, second)
            if divergence.exceeds(limit):
                text = _describe_feature(DISPLAYS[name], first, second, template)
                found.append(Difference(divergence, text))
    return largest_first(found)


def largest_first(found: list[Difference]) -> list[Difference]:
    """Return differences by size; those that differ only by rounding stay in their order."""
    return sorted(found, key=lambda difference: -round(difference.divergence.distance, 6))


def describe(found: list[Difference]) -> str:
    """Return the texts of the largest differences, on one line."""
    return "; ".join(difference.text for difference in found[:MAX_LISTED])


def describe_limit(found: list[Difference], limit: float) -> str:
    """Return the largest divergence and its limit, for users who set `validation.max_drift`."""
    largest = found[0].divergence
    return (
        f"(Jensen-Shannon divergence {largest.distance:.2f}, limit {limit + largest.allowance:.2f})"
    )


def _describe_feature(
    display: Display, first: Distribution, second: Distribution, template: str
) -> str:
    """Medians where they tell the two apart, else the ranges of most pictures."""
    medians = [_shown(part.median, display) for part in (first, second)]
    [below] = second.cdf(np.array([first.median]))
    if medians[0] != medians[1] and abs(below - 0.5) > MIN_MEDIAN_SHIFT:
        return f"median {display.name} {template.format(*medians)}"
    ranges = [_middle_range(part, display) for part in (first, second)]
    return f"{display.name} mostly {template.format(*ranges)}"


def _middle_range(part: Distribution, display: Display) -> str:
    """Range of the middle 80 %."""
    low, high = (_shown(value, display) for value in part.quantiles([0.1, 0.9]))
    return f"{low} to {high}"


def _shown(value: float, display: Display) -> str:
    """Large values as whole numbers, small ones with two digits."""
    scaled = value * display.factor
    digits = f"{scaled:.0f}" if abs(scaled) >= 10 else f"{scaled:.2g}"
    return f"{digits}{display.unit}"
