"""Which pictures of a batch are assessed."""

import pytest
from candidate_runs import deliver_unlabelled
from retraining_site import CORRECT
from tiny_workspace import write_colours

pytestmark = pytest.mark.component

LABELLED = CORRECT * 2


def test_a_few_labels_among_many_pictures_without_one_are_all_looked_at(site):
    write_colours(site.inbox / "dark", "night", LABELLED)
    deliver_unlabelled(site, "dark", first=200)
    site.run(assessed_per_domain=len(LABELLED))
    [batch] = site.batches()
    night = batch.numbers["night"]
    assert (night["labelled"], night["unlabelled"]) == (len(LABELLED), 36)
    assert (night["asked"], night["accuracy"]) == (len(LABELLED), 1)
    assert night["estimated_accuracy"] is None
