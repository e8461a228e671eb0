"""Descriptions of differences."""

import numpy as np
import pytest
from tiny_distributions import sample

from components.data_gate.statistics.differences import DISPLAYS, describe, differences
from components.data_gate.statistics.split_statistics import NUMERIC_FEATURES, PictureStatistics

pytestmark = pytest.mark.component

LIMIT = 0.1


def statistics(**numeric: np.ndarray) -> PictureStatistics:
    return PictureStatistics(100, {name: sample(values) for name, values in numeric.items()}, {})


def described(pictures: PictureStatistics, others: PictureStatistics) -> str:
    return describe(differences(pictures, others, "{}, others {}", LIMIT))


EVEN = np.linspace(0.4, 0.6, 101)


def test_every_numeric_feature_can_be_described():
    assert DISPLAYS.keys() == set(NUMERIC_FEATURES)


def test_brightness_is_shown_on_the_scale_of_pixel_values_and_sizes_with_their_units():
    pictures = statistics(brightness=EVEN - 0.35, num_bytes=EVEN * 1e4, sharpness=EVEN / 100)
    others = statistics(brightness=EVEN, num_bytes=EVEN * 1e5, sharpness=EVEN)
    assert described(pictures, others) == (
        "median brightness 38, others 128; median sharpness 0.005, others 0.5; "
        "median file size 5 KB, others 50 KB"
    )


def test_three_differences_are_described_the_largest_first():
    slightly = np.linspace(0.45, 0.65, 101)
    pictures = statistics(brightness=slightly, contrast=EVEN / 9, width=EVEN, height=EVEN * 9)
    others = statistics(brightness=EVEN, contrast=EVEN, width=EVEN * 9, height=EVEN)
    assert len(differences(pictures, others, "{}{}", LIMIT)) == 4
    assert "brightness" not in described(pictures, others)


def test_where_medians_are_nearly_the_same_ranges_are_shown():
    apart = np.where(np.arange(101) < 50, EVEN - 0.39, EVEN + 0.39)
    assert described(statistics(brightness=EVEN), statistics(brightness=apart)) == (
        "brightness mostly 107 to 148, others 7.7 to 247"
    )


def test_features_that_are_the_same_or_known_of_one_side_only_are_no_difference():
    assert described(statistics(brightness=EVEN, width=EVEN), statistics(brightness=EVEN)) == ""
