import pytest
from tiny_counts import tiny_counts

from components.data_gate.checks.reject_findings import reject_findings

pytestmark = pytest.mark.component


@pytest.mark.parametrize(("rejected", "findings"), [(10, 0), (11, 1)])
def test_the_largest_share_of_rejects_is_still_allowed(rejected, findings):
    counts = tiny_counts(
        [("train", "day", "cat", 100 - rejected)], [("", "not in a folder", rejected)]
    )
    assert len(reject_findings(counts, 0.1)) == findings


def test_rejects_of_a_small_domain_are_not_hidden_by_the_others():
    rows = [("train", "day", "cat", 1000), ("train", "night", "cat", 5)]
    [finding] = reject_findings(tiny_counts(rows, [("night", "damaged", 5)]), 0.1)
    assert finding.text == (
        "More than 10% of the files cannot be used: domain 'night' 5 of 10 (mostly: damaged)."
    )
