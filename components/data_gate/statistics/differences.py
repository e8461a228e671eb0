"""In which numbers two groups of pictures differ, and how to say it."""

from dataclasses import dataclass

import numpy as np

from components.data_gate.statistics.distributions import Distribution, Divergence, compare_numbers
from components.data_gate.statistics.split_statistics import NUMBERS, Slice

#: Medians tell two groups apart where the one lies so far off the middle of the other, as a share
#: of its pictures.
OFF_THE_MIDDLE = 0.15

#: Sentences name so many, the largest first.
NAMED = 3


@dataclass(frozen=True)
class Reading:
    """How a number is shown: its name, a factor, and a unit."""

    name: str
    factor: float = 1
    unit: str = ""


#: Brightness and contrast on the scale of pixels, 0 to 255.
READINGS = {
    "brightness": Reading("brightness", 255),
    "contrast": Reading("contrast", 255),
    "sharpness": Reading("sharpness"),
    "colourfulness": Reading("colourfulness"),
    "width": Reading("width", 1, " px"),
    "height": Reading("height", 1, " px"),
    "num_bytes": Reading("file size", 1e-3, " KB"),
}


@dataclass(frozen=True)
class Difference:
    """A number in which some pictures differ from others.

    Attributes:
        divergence: how much.
        text: medians of both, such as `median brightness 31, training data 118`.
    """

    divergence: Divergence
    text: str


def differences(here: Slice, there: Slice, words: str, limit: float) -> list[Difference]:
    """What differs by more than chance and a limit, the largest difference first.

    Args:
        here: the pictures that are spoken of.
        there: those they are compared with.
        words: how to put two numbers, such as `{}, training data {}`.
        limit: distance that is tolerated, see `Divergence`.
    """
    found = []
    for name in NUMBERS:
        if name in here.numbers and name in there.numbers:
            first, second = here.numbers[name], there.numbers[name]
            divergence = compare_numbers(first, second)
            if divergence.exceeds(limit):
                text = _in_words(READINGS[name], first, second, words)
                found.append(Difference(divergence, text))
    return largest_first(found)


def largest_first(found: list[Difference]) -> list[Difference]:
    """Sort differences; equal ones, but for rounding, stay in their order."""
    return sorted(found, key=lambda difference: -round(difference.divergence.distance, 6))


def in_words(found: list[Difference]) -> str:
    """The largest differences, in one line."""
    return "; ".join(difference.text for difference in found[:NAMED])


def against_the_limit(found: list[Difference], limit: float) -> str:
    """The largest distance and what passes, for users who set the limit."""
    largest = found[0].divergence
    return f"(distance {largest.distance:.2f}, up to {limit + largest.allowance:.2f} passes)"


def _in_words(reading: Reading, here: Distribution, there: Distribution, words: str) -> str:
    """Medians where they tell the two apart, else what most pictures lie between."""
    medians = [_shown(part.median, reading) for part in (here, there)]
    [below] = there.at_most(np.array([here.median]))
    if medians[0] != medians[1] and abs(below - 0.5) > OFF_THE_MIDDLE:
        return f"median {reading.name} {words.format(*medians)}"
    middles = [_middle(part, reading) for part in (here, there)]
    return f"{reading.name} mostly {words.format(*middles)}"


def _middle(part: Distribution, reading: Reading) -> str:
    """What the middle 80 % lie between."""
    low, high = (_shown(value, reading) for value in part.quantiles([0.1, 0.9]))
    return f"{low} to {high}"


def _shown(value: float, reading: Reading) -> str:
    """Whole numbers, and two digits of small ones."""
    scaled = value * reading.factor
    digits = f"{scaled:.0f}" if abs(scaled) >= 10 else f"{scaled:.2g}"
    return f"{digits}{reading.unit}"
