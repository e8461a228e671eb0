import pytest

from components.evaluation.statistics.accuracy_interval import accuracy_interval


@pytest.mark.parametrize(
    ("correct", "pictures", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_that_of_newcombes_table(correct, pictures, low, high):
    """Newcombe, "Two-sided confidence intervals for the single proportion", 1998, method 3."""
    ends = accuracy_interval(correct / pictures, pictures, confidence=0.95)
    assert ends == pytest.approx((low, high), abs=5e-5)


def test_the_interval_of_a_perfect_model_ends_at_one_and_has_a_width():
    low, high = accuracy_interval(1.0, 10, confidence=0.9)
    assert high == pytest.approx(1.0)
    # Wilson's end without a wrong picture is n / (n + z**2).
    assert low == pytest.approx(10 / (10 + 1.6449**2), abs=1e-4)


def test_more_pictures_narrow_the_interval():
    wide, narrow = (accuracy_interval(0.8, pictures, 0.9) for pictures in (20, 2000))
    assert wide[0] < narrow[0] < 0.8 < narrow[1] < wide[1]
