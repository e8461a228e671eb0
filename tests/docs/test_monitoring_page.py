"""docs/monitoring.md has the numbers and the words of the command."""

import re

import yaml
from documentation import page

from pipeline.monitoring import drift_test, known_pictures, traffic_reader, unusual_batch
from pipeline.monitoring.traffic_report import AlarmReport, DomainTraffic
from pipeline.serving.monitor_report.report_gauges import DOMAIN_GAUGES, ReportGauges

TEXT = page("docs/monitoring.md").text


def test_the_sentence_of_an_alarm_is_that_of_the_command():
    alarm = AlarmReport("2026-11-24T18:00:00+00:00", 240, 0.91, 0.14, "day", 0.31, ["dark"])
    traffic = DomainTraffic(
        *("gate", 240, alarm.since, alarm.since, 240, 0, 0.5, 0.7),
        *(0.7, 0.9, 0.61, 0.93, {}, {"car": 1.0}, alarm),
    )
    said = re.sub(r"since .*? UTC", "since Tuesday 18:00 UTC", traffic.describe())
    assert page("docs/monitoring.md").blocks("")[0].strip() == said


def test_the_numbers_of_the_test_are_those_of_the_code():
    numbers = {
        f"Every {drift_test.BLOCK} pictures",
        f"newest {drift_test.WINDOW} pictures",
        f"in {known_pictures.COMPONENTS} principal components",
        f"at most {drift_test.FALSE_ALARMS:.0%}".replace("%", " %"),
        f"newest {traffic_reader.MAX_PICTURES:,} pictures",
        f"at most {traffic_reader.MAX_DOMAINS} client domains",
        f"from {unusual_batch.MIN_PICTURES} new ones on",
        f"at most {unusual_batch.TO_LABEL_COUNT},",
    }
    plain = " ".join(TEXT.split())
    assert [one for one in numbers if one not in plain] == []


def test_the_gauges_are_those_of_the_server():
    alarm = {"domain": "gate", "alarm": {"share": 0.5}}
    gauges = ReportGauges()
    gauges.report = {
        "version": 1,
        "time": "2026-11-24T18:00:00+00:00",
        "faults": [],
        "domains": [alarm | {key: 0.5 for key, _ in DOMAIN_GAUGES.values()}],
    }
    names = {family.name for family in gauges.collect()}
    assert set(re.findall(r"carryover_monitor_\w+", TEXT)) == names


def test_the_alert_rules_can_be_parsed():
    [block] = page("docs/monitoring.md").blocks("yaml")
    [group] = yaml.safe_load(block)["groups"]
    assert all(rule["alert"] and rule["expr"] for rule in group["rules"])
