from dataclasses import replace

import pytest
from tiny_summary import summary

from components.pusher.rollback_record import Rollback
from components.pusher.version_store import Push
from pipeline.report.model_versions import ModelVersion
from pipeline.report.sections.verdict import read_domain_rows, read_verdict


def test_the_row_of_a_rejected_domain_has_the_reasons_of_its_gate():
    rejected = summary(reasons=["domain 'night': accuracy 0.650 is below the floor 0.700"])
    day, night = read_domain_rows(rejected)
    assert day.failures == []
    assert night.failures == ["accuracy 0.650 is below the floor 0.700"]
    assert night.result.change == pytest.approx(-0.05)


def test_a_later_acceptance_and_rollback_are_named_with_their_reasons():
    rejected = summary(status="not_blessed", pushed_version=None, reasons=["it lost"])
    push = Push("digest", rejected.run_id, "key", 1, "2026-01-01T00:00:00+00:00", {})
    accepted = ModelVersion(2, replace(push, accepted="the test is wrong"), None)
    verdict = read_verdict(rejected, accepted)
    assert verdict.title == "Not blessed, and accepted as version 2"
    assert verdict.reasons == ["it lost", "accepted: the test is wrong"]
    awaiting = rejected.model_copy(update={"status": "awaiting_labels"})
    title = read_verdict(awaiting, accepted).title
    assert title == "Labels missing, and accepted as version 2"
    rollback = Rollback("2026-01-02T00:00:00+00:00", "night is dark")
    verdict = read_verdict(rejected, replace(accepted, rollback=rollback))
    assert (verdict.level, verdict.title) == ("doubtful", "Version 2, rolled back since")
    assert "night is dark" in verdict.reasons[-1]
    assert read_verdict(summary(), ModelVersion(2, push, None)).title == "Pushed version 2"


def test_the_title_names_the_serving_version():
    assert read_verdict(summary()).title == "Pushed version 2"
    rejected = read_verdict(summary(status="not_blessed", pushed_version=None))
    assert rejected.title == "Not pushed: version 1 remains the serving version"
    again = read_verdict(summary(new_version=False))
    assert again.title == "Nothing new to push: this model is already version 2"
