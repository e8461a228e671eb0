"""Gauges of a report, in the text format of Prometheus."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.serving.monitor_report.report_gauges import ReportGauges
from pipeline.serving.server_metrics import ServerMetrics

QUIET = {
    "domain": "gate",
    "pictures": 240,
    "novel": 0.04,
    "novelty": 0.5,
    "confidence": 0.9,
    "usual_confidence": 0.92,
    "estimated_accuracy": 0.93,
    "usual_accuracy": 0.94,
    "alarm": None,
}


def gauges(report: object) -> dict[tuple[str, str | None], float]:
    """Values of the gauges by name and domain, as Prometheus reads them."""
    collector, metrics = ReportGauges(), ServerMetrics(lambda: 1)
    metrics.add(collector)
    collector.report = report
    return {
        (sample.name.removeprefix("carryover_monitor_"), sample.labels.get("domain")): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
        if sample.name.startswith("carryover_monitor_")
    }


def test_without_a_report_there_are_no_gauges():
    assert gauges(None) == {}


def test_every_client_domain_has_its_gauges():
    alarm = QUIET | {"domain": "", "novel": None, "alarm": {"share": 0.8}}
    found = gauges({"version": 7, "time": "1970-01-01T01:00:00+00:00", "domains": [QUIET, alarm]})
    assert found[("last_look_timestamp_seconds", None)] == 3600
    assert found[("version", None)] == 7
    assert {name: value for (name, domain), value in found.items() if domain == "gate"} == {
        "alarm": 0,
        "unusual_ratio": 0,
        "pictures": 240,
        "novel_ratio": 0.04,
        "novelty_mean": 0.5,
        "confidence_mean": 0.9,
        "usual_confidence_mean": 0.92,
        "estimated_accuracy_ratio": 0.93,
        "usual_accuracy_ratio": 0.94,
    }
    assert (found[("alarm", "")], found[("unusual_ratio", "")]) == (1, 0.8)
    assert ("novel_ratio", "") not in found


@pytest.mark.parametrize(
    ("report", "value"),
    [({"faults": ["no room"]}, 1), ({"faults": []}, 0), ({"faults": "no"}, None), ({}, None)],
)
def test_a_delivery_that_failed_has_a_gauge(report, value):
    assert gauges(report).get(("delivery_failed", None)) == value


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('say "hi"', 'say "hi"'),
        ("back\\slash", "back\\slash"),
        ("two\nlines", "two\\nlines"),
        ("\udcff", "\\udcff"),
        ("évier", "évier"),
    ],
)
def test_a_name_forges_no_metric(name, shown):
    assert gauges({"domains": [QUIET | {"domain": name}]})[("alarm", shown)] == 0


def test_names_that_look_alike_are_one_metric():
    two = [QUIET | {"domain": "a\nb"}, QUIET | {"domain": "a\\nb", "pictures": 3}]
    assert gauges({"domains": two})[("pictures", "a\\nb")] == 3


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"domains": {"gate": 1}, "version": "7", "time": "yesterday"},
        {"domains": [None, 3, {}, {"domain": 5}], "version": True, "time": 7},
        {"version": float("nan"), "time": "9999-99-99"},
        {"version": 10**400},
    ],
)
def test_what_a_report_has_in_another_form_is_left_out(report):
    assert gauges(report) == {}


def test_numbers_in_another_form_are_left_out():
    found = gauges({"domains": [QUIET | {"pictures": "many", "alarm": {}, "new": [1]}]})
    assert found[("alarm", "gate")] == 0
    assert ("pictures", "gate") not in found
    assert ("unusual_ratio", "gate") not in found
