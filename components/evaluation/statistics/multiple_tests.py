"""Level of each test where many are done at once."""

from bisect import bisect_right
from collections.abc import Sequence


def common_level(p_values: Sequence[float], smallest: Sequence[float], error_rate: float) -> float:
    """Return the level that every test is held to, so that all together are rarely wrong.

    The probability that any true hypothesis is rejected is at most `error_rate`. The levels are
    those of Holm ("A simple sequentially rejective multiple test procedure", Scandinavian Journal
    of Statistics 6, 1979), which need no assumption about how the tests depend on each other. A
    test whose smallest possible p-value is above its level can never reject, so it is not counted
    among the tests (Tarone, "A modified Bonferroni method for discrete data", Biometrics 46, 1990;
    Hommel and Krummenauer, "Improvements and modifications of Tarone's multiple test procedure for
    discrete data", Biometrics 54, 1998). Without that, the many classes in which two models hardly
    differ would take the power away from all others.

    Args:
        p_values: P-values of the tests.
        smallest: Smallest p-values that the tests can have.
        error_rate: Probability of any wrong rejection, between 0 and 1.

    Returns:
        Level: the tests whose p-values are at most this are rejected.

    Example:
        >>> from components.evaluation.statistics.multiple_tests import common_level
        >>> common_level([0.001, 0.3, 0.5], smallest=[0.0001, 0.001, 0.25], error_rate=0.05)
        0.05
    """
    left = list(zip(p_values, smallest, strict=True))
    while True:
        level = first_level([least for _, least in left], error_rate)
        kept = [test for test in left if test[0] > level]
        if len(kept) == len(left):
            return level
        left = kept  # what is rejected does not count among the tests any more


def first_level(smallest: Sequence[float], error_rate: float) -> float:
    """Return the level of the first test that rejects, which is the hardest: see `common_level`.

    It is `error_rate / count`, with the least count that is not below the number of tests which can
    reject at this level.
    """
    ascending = sorted(smallest)
    count = 1
    while bisect_right(ascending, error_rate / count) > count:
        count += 1
    return error_rate / count
