import pytest
from tiny_summary import summary

from pipeline.report.sections.verdict import read_domain_rows, read_verdict


def test_the_row_of_a_rejected_domain_has_the_reasons_of_its_gate():
    rejected = summary(reasons=["domain 'night': accuracy 0.650 is below the floor 0.700"])
    day, night = read_domain_rows(rejected)
    assert day.failures == []
    assert night.failures == ["accuracy 0.650 is below the floor 0.700"]
    assert night.result.change == pytest.approx(-0.05)


def test_the_title_names_the_serving_version():
    assert read_verdict(summary()).title == "Pushed version 2"
    rejected = read_verdict(summary(status="not_blessed", pushed_version=None))
    assert rejected.title == "Not pushed: version 1 remains the serving version"
    again = read_verdict(summary(new_version=False))
    assert again.title == "Nothing new to push: this model is already version 2"
