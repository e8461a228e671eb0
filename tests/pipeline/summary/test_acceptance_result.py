import pytest

from pipeline.summary.acceptance_result import (
    AcceptanceResult,
    AcceptedDomain,
    describe_acceptance,
    describe_fall,
)


def result(**accepted: int) -> AcceptanceResult:
    """Accepted predictions of 100 pictures per domain; up to 50 show nothing."""
    domains = {
        name: AcceptedDomain(
            pictures=100, accepted=count, correct=count, accuracy_low=0.9, is_shown=count > 50
        )
        for name, count in accepted.items()
    }
    return AcceptanceResult(accuracy=0.95, min_confidence=0.8, max_novelty=0.95, domains=domains)


def test_the_domains_with_the_fewest_accepted_predictions_are_named():
    assert describe_acceptance(result(day=90, dusk=60, fog=70, night=80)) == (
        "Share of accepted predictions (eval split): 'dusk' 0.60, 'fog' 0.70, 'night' 0.80 "
        "and 1 more"
    )


@pytest.mark.parametrize(
    ("accepted", "where"),
    [
        ({"day": 90, "night": 0}, "'night'"),
        ({"day": 90, "night": 0, "fog": 50}, "'night' and 'fog'"),
        ({"day": 9, "night": 0}, "any of the 2 domains"),
        ({"night": 0}, "'night'"),
    ],
)
def test_the_line_names_the_domains_whose_accepted_predictions_are_too_few(accepted, where):
    assert describe_acceptance(result(**accepted)).partition("; ")[2] == (
        f"too few accepted pictures to show 0.95 of them correct in {where}"
    )


def test_only_a_share_that_fell_by_more_than_a_tenth_is_told_the_greatest_fall_first():
    now = result(day=20, dusk=40, fog=75, night=90, new=0)
    compared = now.compared_with(result(day=50, dusk=50, fog=95, night=60))
    assert describe_fall(compared) == (
        "the share of accepted predictions fell in 'day' from 0.50 to 0.20, 'fog' from 0.95 to 0.75"
    )
    assert describe_fall(now.compared_with(now)) == ""
    assert describe_fall(now.compared_with(None)) == describe_fall(None) == ""


def test_a_run_without_acceptance_has_no_line():
    assert describe_acceptance(None) == ""


def test_a_domain_without_an_accepted_prediction_has_no_accuracy():
    assert result(day=0).domains["day"].accuracy is None
