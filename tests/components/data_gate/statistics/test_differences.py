"""How differences are put into words."""

import numpy as np
from tiny_distributions import sample

from components.data_gate.statistics.differences import differences, in_words
from components.data_gate.statistics.split_statistics import Slice

LIMIT = 0.1


def known(**numbers: np.ndarray) -> Slice:
    return Slice(100, {name: sample(values) for name, values in numbers.items()}, {})


def said(here: Slice, there: Slice) -> str:
    return in_words(differences(here, there, "{}, others {}", LIMIT))


EVEN = np.linspace(0.4, 0.6, 101)


def test_brightness_is_said_on_the_scale_of_pixels_and_sizes_with_their_units():
    here = known(brightness=EVEN - 0.35, num_bytes=EVEN * 1e4, sharpness=EVEN / 100)
    there = known(brightness=EVEN, num_bytes=EVEN * 1e5, sharpness=EVEN)
    assert said(here, there) == (
        "median brightness 38, others 128; median sharpness 0.005, others 0.5; "
        "median file size 5 KB, others 50 KB"
    )


def test_three_differences_are_named_the_largest_first():
    slightly = np.linspace(0.45, 0.65, 101)
    here = known(brightness=slightly, contrast=EVEN / 9, width=EVEN, height=EVEN * 9)
    there = known(brightness=EVEN, contrast=EVEN, width=EVEN * 9, height=EVEN)
    assert len(differences(here, there, "{}{}", LIMIT)) == 4
    assert "brightness" not in said(here, there)


def test_where_medians_are_nearly_the_same_it_is_said_what_most_pictures_lie_between():
    apart = np.where(np.arange(101) < 50, EVEN - 0.39, EVEN + 0.39)
    assert said(known(brightness=EVEN), known(brightness=apart)) == (
        "brightness mostly 107 to 148, others 7.7 to 247"
    )


def test_what_is_the_same_or_not_known_of_both_is_no_difference():
    assert said(known(brightness=EVEN, width=EVEN), known(brightness=EVEN)) == ""
