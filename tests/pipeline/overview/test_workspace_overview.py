import json
import shutil
from typing import Any

import orjson
import pytest
from overview_site import NAME, RUN_2, add_batch, make_site

from components.pusher.version_store import VersionStore
from pipeline.overview.server_facts import MonitorReading, ServerFacts
from pipeline.overview.workspace_overview import MAX_BATCHES, NO_WORKSPACE, WorkspaceOverview
from pipeline.retraining.batch import FILE
from pipeline.retraining.ledger import Ledger


def read(store: VersionStore, number: int | None = 2, report: dict[str, Any] | None = None):
    """The overview as a client gets it, with a report of `carryover monitor`."""
    facts = ServerFacts(number, monitor=MonitorReading(report))
    return orjson.loads(orjson.dumps(WorkspaceOverview(store).read(facts)))


def test_it_tells_of_the_version_its_domains_the_batches_and_the_newest_run(tmp_path):
    overview = read(make_site(tmp_path))
    assert overview["version"]["number"] == 2
    assert [one["name"] for one in overview["domains"]] == ["<b>night", "fog", "day", "snow"]
    assert [one["state"] for one in overview["batches"]] == ["rejected", "pushed", "good_enough"]
    assert [one["run"] for one in overview["batches"]] == [None, RUN_2, None]
    assert (overview["run"]["id"], overview["run"]["has_report"]) == (RUN_2, True)
    assert overview["problems"] == []


@pytest.mark.parametrize("content", [b"", b"{", b'{"run_id": 1}', b"\0" * 100, b"\xff\xfe"])
def test_a_damaged_summary_is_named_and_everything_else_is_told(tmp_path, content):
    store = make_site(tmp_path)
    (tmp_path / "runs" / RUN_2 / "summary.json").write_bytes(content)
    overview = read(store)
    [problem] = overview["problems"]
    assert "summary.json" in problem
    assert "damaged" in problem
    assert len(overview["batches"]) == 3
    assert overview["domains"][2]["accuracy"] == 0.9
    assert overview["domains"][2]["change"] == pytest.approx(0.1)


def test_a_damaged_record_and_ledger_are_named(tmp_path):
    store = make_site(tmp_path)
    (store.path(2) / "assets.extra" / "push.json").write_bytes(b"{")
    (tmp_path / FILE).write_bytes(b"no database " * 1000)
    overview = read(store)
    assert [("push.json" in one, FILE in one) for one in overview["problems"]] == [
        (True, False),
        (False, True),
    ]
    assert overview["version"]["number"] == 2
    assert (overview["domains"], overview["batches"]) == ([], [])


def test_a_bare_serving_directory_has_its_version_and_says_what_is_missing(tmp_path):
    store = make_site(tmp_path / "site")
    bare = VersionStore(tmp_path / "bare", NAME)
    shutil.copytree(store.serving, bare.serving)
    overview = read(bare)
    assert overview["problems"] == [NO_WORKSPACE]
    assert overview["version"]["since"] == "2024-01-02T08:00:00+00:00"
    assert [one["change"] for one in overview["domains"][1:3]] == pytest.approx([-0.05, 0.1])
    assert [path.name for path in bare.root.iterdir()] == ["serving"]


def test_a_batch_whose_version_was_rolled_back_says_so(tmp_path):
    store = make_site(tmp_path)
    path = store.path(2) / "assets.extra" / "push.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"batch": "digest of <i>tuesday"}))
    record = {"rolled_back_at": "2024-03-01T09:00:00+00:00", "reason": "foggy"}
    (store.path(2) / "assets.extra" / "rollback.json").write_text(json.dumps(record))
    store.roll_back()
    batches = read(store, 1)["batches"]
    assert [one["rollback"] for one in batches] == ["", "rolled back 2024-03-01 09:00: foggy", ""]


def test_a_batch_that_waited_says_which_version_was_trained_on_it(tmp_path):
    store = make_site(tmp_path)
    ledger = Ledger(tmp_path)
    few = {"numbers": {"day": {"labelled": 3}}}
    add_batch(ledger, "few", "too_little_data", "The batch waits for more", **few)
    add_batch(ledger, "many", "pushed", "", version=2)
    reasons = [one["reason"] for one in read(store)["batches"][:2]]
    assert reasons == ["", "The batch waited for more; trained on with many, version 2"]


def test_reasons_are_shortened_and_names_are_printable(tmp_path):
    store = make_site(tmp_path)
    add_batch(Ledger(tmp_path), "two\nlines\N{RIGHT-TO-LEFT OVERRIDE}", "held", "why " * 1000)
    newest = read(store)["batches"][0]
    assert newest["name"] == r"two\nlines\u202e"
    assert len(newest["reason"]) < 600


def test_the_labels_for_a_batch_of_the_monitor_get_a_name_that_no_batch_has(tmp_path):
    store = make_site(tmp_path)
    (tmp_path / "in" / "traffic").mkdir(parents=True)
    shown = [f"later-{number}" for number in range(MAX_BATCHES)]
    for name in ("traffic-labels", "traffic-labels-2", *shown):
        add_batch(Ledger(tmp_path), name, "labels_used", "")
    domain = {"domain": "tablet", "alarm": {}, "delivered": str(tmp_path / "in" / "traffic")}
    monitor = read(store, report={"version": 2, "domains": [domain]})["monitor"]
    label = monitor["alarms"][0]["steps"][0]["command"]
    assert label.endswith(f" --output {tmp_path}/in/traffic-labels-3")


def test_without_a_loaded_version_the_batches_are_told(tmp_path):
    overview = read(make_site(tmp_path), None)
    assert overview["version"] is None
    assert len(overview["batches"]) == 3
