"""What the page tells of `carryover monitor`, from reports of any version of it."""

from typing import Any

import orjson
import pytest
from overview_site import make_site
from tiny_pictures import write_files

from components.pusher.version_store import VersionStore
from pipeline.overview.server_facts import MonitorReading
from pipeline.overview.traffic_alarms import describe_monitor

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


def commands(store: VersionStore, **columns: object) -> list[str]:
    """Commands that come after an alarm."""
    report = REPORT | {"domains": [DOMAIN | columns]}
    [alarm] = describe_monitor(store, 2, MonitorReading(report))["alarms"]
    return [step["command"] for step in alarm["steps"]]


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


def test_what_was_not_delivered_comes_with_the_command_that_delivers(store):
    assert commands(store) == [f"carryover monitor --workspace '{store.root}' --deliver my-inbox"]


def test_what_was_delivered_comes_with_the_commands_that_label_and_retrain(store):
    batch = "/data/in box/traffic-2"
    assert commands(store, delivered=batch) == [
        f"carryover label '{batch}' --classes-from '{store.root}' --output '{batch}-labelled'",
        f"carryover retrain --workspace '{store.root}' --inbox '/data/in box'",
    ]


def test_commands_name_the_model_where_there_are_several(store):
    write_files(store.root / "serving" / "other" / "1", {"saved_model.pb": b""})
    for command in [*commands(store), *commands(store, delivered="/in/batch")]:
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
    for key in (*DOMAIN, "delivered", "delivered_at"):
        sent_to_page(store, REPORT | {"domains": [DOMAIN | {key: value}]})
    for key in ALARM:
        report = REPORT | {"domains": [DOMAIN | {"alarm": ALARM | {key: value}}]}
        [alarm] = sent_to_page(store, report)["alarms"]
        assert alarm["domain"] == "tablet"
    for key in ("version", "domains", "faults", "time"):
        sent_to_page(store, REPORT | {key: value})
