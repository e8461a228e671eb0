"""Verdicts on inspected data."""

import pytest

from components.data_gate.findings import Finding
from components.data_gate.validation_options import ValidationOptions
from pipeline.inspecting.inspection_verdict import judge_findings


def findings(*kinds: str) -> list[Finding]:
    return [Finding(kind=kind, severity="error", text=kind) for kind in kinds]


def test_data_without_errors_would_be_trained_on():
    verdict = judge_findings([], ValidationOptions())
    assert (verdict.stops, verdict.sentences) == (False, ["carryover run would train."])


def test_an_error_would_stop_a_run():
    verdict = judge_findings(findings("rejects", "one_class"), ValidationOptions())
    assert verdict.stops
    assert verdict.sentences == ["carryover run would stop at this: rejects."]
    assert [one.severity for one in verdict.findings] == ["error", "error"]


@pytest.mark.parametrize("kind", ["vanished_domain", "vanished_class"])
def test_data_that_lack_what_the_serving_model_knows_are_judged_as_a_batch(kind):
    verdict = judge_findings(findings(kind, "one_class"), ValidationOptions())
    assert not verdict.stops
    assert [one.severity for one in verdict.findings] == ["information", "information"]
    assert verdict.sentences[1:] == [
        "As a batch: carryover retrain would not stop at anything.",
        f"As all pictures: carryover run would stop at this: {kind}.",
    ]


def test_a_batch_with_a_new_class_would_stop_its_retraining():
    verdict = judge_findings(findings("vanished_domain", "new_class"), ValidationOptions())
    assert verdict.stops
    assert "As a batch: carryover retrain would stop at this: new_class." in verdict.sentences
    assert [one.severity for one in verdict.findings] == ["information", "error"]


def test_an_allowed_lack_is_no_sign_of_a_batch():
    options = ValidationOptions(allow=("vanished_domain",))
    verdict = judge_findings(findings("vanished_domain"), options)
    assert verdict.sentences == ["carryover run would train."]
    assert verdict.findings[0].severity == "error"
