"""What is shown as the reason of a batch that waited, once its pictures were trained on."""

from dataclasses import replace

import pytest

from pipeline.retraining.batch import Batch
from pipeline.retraining.current_reason import WAITS, current_reason
from pipeline.retraining.ledger import Ledger

REASON = f"domain 'day': 3 labelled: a domain needs 20 labelled pictures. {WAITS}"


@pytest.fixture(name="batches")
def _batches(tmp_path) -> tuple[Batch, Batch]:
    """A batch that waits, and one for which a version was pushed later."""
    ledger = Ledger(tmp_path)
    for name in ("few", "many"):
        ledger.add(name, f"/inbox/{name}", f"digest of {name}", "stamp")
    numbers = {"day": {"labelled": 3}}
    waiting = ledger.finish(1, "too_little_data", REASON, numbers=numbers)
    return waiting, ledger.finish(2, "pushed", "", version=2)


def test_a_batch_that_waited_names_the_version_that_was_trained_on_it(batches):
    waiting, pushed = batches
    reason = current_reason(waiting, [pushed])
    assert reason.endswith("pictures. The batch waited for more; trained on with many, version 2")
    enough = replace(waiting, state="good_enough", reason="accuracy 0.95")
    assert current_reason(enough, [pushed]) == "accuracy 0.95; trained on with many, version 2"


def test_a_new_domain_is_named_with_the_training_that_had_enough_of_it(batches):
    waiting, pushed = batches
    new = replace(waiting, numbers={"fog": {"labelled": 3, "is_new": True}})
    both = replace(pushed, numbers={"fog": {"labelled": 2}, "day": {"labelled": 30}})
    fog = replace(pushed, number=3, version=3, numbers={"fog": {"labelled": 20, "is_new": True}})
    assert current_reason(new, [pushed, both]) == REASON
    assert current_reason(new, [pushed, both, fog]).endswith("trained on with many, version 3")


def test_without_a_later_training_the_reason_is_that_of_the_ledger(batches):
    waiting, pushed = batches
    earlier = replace(pushed, number=0)
    not_decided_on = replace(waiting, finished_at="9999-12-31T23:59:59+00:00")
    unlabelled = replace(waiting, numbers={"day": {"labelled": 0, "unlabelled": 9}})
    for batch, others in (
        (waiting, []),
        (waiting, [earlier]),
        (not_decided_on, [pushed]),
        (unlabelled, [pushed]),
        (replace(waiting, replaced_by=2), [pushed]),
    ):
        assert current_reason(batch, others) == REASON
    assert current_reason(pushed, [replace(pushed, number=3)]) == ""
