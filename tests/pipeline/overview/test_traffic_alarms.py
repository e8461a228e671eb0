"""What the page tells of `carryover monitor`, from reports of any version of it."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from overview_site import make_site
from tiny_pictures import write_files

from components.pusher.version_store import VersionStore
from pipeline.overview.server_facts import MonitorReading
from pipeline.overview.traffic_alarms import describe_monitor
from pipeline.retraining.batch import Batch
from pipeline.retraining.unlabelled.label_commands import select_and_label

ALARM = {
    "since": "2026-11-27T18:04:00+00:00",
    "pictures": 250,
    "share": 0.92,
    "known_share": 0.18,
    "nearest_domain": "openmoji",
    "distance": 0.62,
    "look": ["colourless"],
}
DOMAIN = {"domain": "tablet", "alarm": ALARM, "estimated_accuracy": 0.52, "usual_accuracy": 0.85}
REPORT = {"version": 2, "time": "2026-11-27T19:00:00+00:00", "faults": [], "domains": [DOMAIN]}


@pytest.fixture(name="store")
def _store(tmp_path) -> VersionStore:
    return make_site(tmp_path / "work space")


@pytest.fixture(name="batch")
def _batch(tmp_path) -> Path:
    batch = tmp_path / "in box" / "traffic-2"
    batch.mkdir(parents=True)
    return batch


def alarm_of(store: VersionStore, batch: Path | None = None, *names: str) -> dict[str, Any]:
    """What the page tells of an alarm, in a workspace with batches of these names."""
    report = REPORT | {"domains": [DOMAIN | {"delivered": batch and str(batch)}]}
    [alarm] = describe_monitor(store, 2, MonitorReading(report), names)["alarms"]
    return alarm


def commands(store: VersionStore, batch: Path | None = None, *names: str) -> list[str]:
    """Commands that come after an alarm."""
    return [step["command"] for step in alarm_of(store, batch, *names)["steps"]]


def sent_to_page(store: VersionStore, report: dict[str, Any]) -> dict[str, Any]:
    """What the page gets, as the server writes it."""
    return orjson.loads(orjson.dumps(describe_monitor(store, 2, MonitorReading(report))))


def test_an_alarm_is_told_with_its_numbers(store):
    described = describe_monitor(store, 2, MonitorReading(REPORT))
    assert (described["time"], described["is_of_serving_version"]) == (REPORT["time"], True)
    [alarm] = described["alarms"]
    assert (alarm["domain"], alarm["nearest"], alarm["look"]) == (
        "tablet",
        "openmoji",
        ["colourless"],
    )
    assert (alarm["since"], alarm["share"], alarm["usual_accuracy"]) == (ALARM["since"], 0.92, 0.85)
    assert alarm["delivered"] == ""


def test_an_alarm_that_was_settled_is_told_with_the_reason_and_without_steps(store):
    settled = {"batch": "b\nlabels", "time": "2026-11-28T08:00:00+00:00", "reason": "accuracy 0.95"}
    report = REPORT | {"domains": [{"domain": "tablet", "alarm": None, "settled_alarm": settled}]}
    described = sent_to_page(store, report)
    assert described["alarms"] == []
    assert described["settled"] == [settled | {"domain": "tablet", "batch": "b\\nlabels"}]


def test_what_was_not_delivered_comes_with_the_command_that_delivers(store):
    assert commands(store) == [f"carryover monitor --workspace '{store.root}' --deliver my-inbox"]


def test_what_was_delivered_comes_with_the_commands_that_label_and_retrain(store, batch):
    assert commands(store, batch) == [
        f"carryover label '{batch}' --classes-from '{store.root}' --only-labelled "
        f"--output '{batch}-labels'",
        f"carryover retrain --workspace '{store.root}' --inbox '{batch.parent}'",
    ]


def test_labels_go_to_a_folder_that_is_free_and_is_no_batch_yet(store, batch):
    batch.with_name("traffic-2-labels").mkdir()
    assert commands(store, batch)[0].endswith(f"--output '{batch}-labels-2'")
    assert commands(store, batch, "traffic-2-labels-2")[0].endswith(f"'{batch}-labels-3'")


def test_the_command_that_labels_is_that_of_the_history(store, batch):
    (batch / "tablet" / "_to_label").mkdir(parents=True)
    values = ("digest", "stamp", "2026", "too_little_data", "", {}, None, None, 0, None)
    row = Batch(1, batch.name, str(batch), *values)
    assert select_and_label(store.root, row) == commands(store, batch)[:1]


def test_of_a_batch_that_was_moved_away_the_page_says_so_and_gives_no_commands(store, batch):
    assert not alarm_of(store, batch)["is_delivery_gone"]
    batch.rename(batch.with_name("elsewhere"))
    assert alarm_of(store, batch)["is_delivery_gone"]
    assert commands(store, batch) == []


def test_commands_name_the_model_where_there_are_several(store, batch):
    write_files(store.root / "serving" / "other" / "1", {"saved_model.pb": b""})
    for command in [*commands(store), *commands(store, batch)]:
        assert f"--name {store.name}" in command


@pytest.mark.parametrize("version", [1, 3, None])
def test_an_alarm_about_another_version_is_not_one_of_the_serving_version(store, version):
    described = describe_monitor(store, version, MonitorReading(REPORT | {"faults": ["no room"]}))
    assert (described["alarms"], described["faults"]) == ([], [])
    assert (described["version"], described["is_of_serving_version"]) == (2, False)


def test_without_a_report_the_command_that_makes_one_is_told(store):
    described = describe_monitor(store, 2, MonitorReading(None, "it is damaged"))
    assert (described["time"], described["alarms"]) == ("", [])
    assert described["problem"] == "it is damaged"
    assert described["command"] == f"carryover monitor --workspace '{store.root}'"


def test_why_a_batch_was_not_delivered_is_told(store):
    report = REPORT | {"faults": ["--deliver in: no\nroom", 7]}
    assert describe_monitor(store, 2, MonitorReading(report))["faults"] == [
        "--deliver in: no\\nroom"
    ]


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "text",
        [],
        {},
        True,
        float("nan"),
        2**64,
        10**400,
        [None],
        [2**64],
        "a\0b",
        "\ud800",
    ],
)
def test_what_a_report_has_in_another_form_is_left_out(store, value):
    for key in (*DOMAIN, "delivered", "delivered_at", "settled_alarm"):
        sent_to_page(store, REPORT | {"domains": [DOMAIN | {key: value}]})
    for key in ALARM:
        report = REPORT | {"domains": [DOMAIN | {"alarm": ALARM | {key: value}}]}
        [alarm] = sent_to_page(store, report)["alarms"]
        assert alarm["domain"] == "tablet"
    for key in ("version", "domains", "faults", "time"):
        sent_to_page(store, REPORT | {key: value})
