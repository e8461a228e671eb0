"""Which decisions of a pass answer an alarm."""

import json

import numpy as np
import pytest
from overview_site import add_batch, make_site

from components.pusher.version_store import VersionStore
from pipeline.monitoring.monitor_state import DeliveredBatch, StreamState
from pipeline.monitoring.settled_alarms import settle_alarms
from pipeline.retraining.ledger import Ledger

POINTS = np.ones((60, 4))


@pytest.fixture(name="store")
def _store(tmp_path) -> VersionStore:
    return make_site(tmp_path)


@pytest.fixture(name="stream")
def _stream() -> StreamState:
    """A client domain with an alarm about two batches in an inbox."""
    stream = StreamState(is_told=True)
    for name in ("first", "second"):
        stream.offer(f"/inbox/{name}", POINTS)
    stream.newest_batch = DeliveredBatch("/inbox/second", "2026-11-27T19:00:00+00:00")
    return stream


def test_a_batch_that_is_good_enough_answers_its_alarm(store, stream):
    add_batch(Ledger(store.root), "second", "good_enough", "accuracy 0.95")
    settle_alarms(stream, store, 2)
    assert [one.path for one in stream.offered] == ["/inbox/first"]
    assert stream.settled.shape == POINTS.shape
    assert stream.settled_alarm
    assert (stream.settled_alarm.batch, stream.settled_alarm.reason) == ("second", "accuracy 0.95")
    assert (stream.newest_batch, stream.is_told) == (None, False)


@pytest.mark.parametrize("state", ["too_little_data", "rejected", "held", "labels_used"])
def test_no_other_outcome_does(store, stream, state):
    add_batch(Ledger(store.root), "second", state, "")
    settle_alarms(stream, store, 2)
    assert (len(stream.offered), stream.settled_alarm) == (2, None)


@pytest.mark.parametrize(
    ("rolled_back_at", "is_settled"), [("2024-03-01", True), ("2999-01-01", False)]
)
def test_what_was_said_of_a_later_version_answers_no_alarm_of_an_earlier_one(
    store, stream, rolled_back_at, is_settled
):
    add_batch(Ledger(store.root), "second", "good_enough", "accuracy 0.95")
    record = store.path(2) / "assets.extra" / "rollback.json"
    record.write_text(json.dumps({"rolled_back_at": f"{rolled_back_at}T00:00:00+00:00"}))
    store.roll_back()
    settle_alarms(stream, store, 1)
    assert (stream.settled_alarm is not None) == is_settled
