"""Which findings stop a run, and the message to its user."""

import pytest
from pydantic import ValidationError

from components.data_gate.checks.duplicate_findings import duplicate_findings
from components.data_gate.checks.duplicates import Duplicates, Pair, Picture
from components.data_gate.findings import KINDS, Finding
from components.data_gate.stopping import stop_message, stopping_findings
from components.data_gate.validation_options import ValidationOptions

pytestmark = pytest.mark.component

NOTE = Finding(kind="shift", severity="information", text="a note")
SKEW = Finding(kind="skew", severity="warning", text="a warning.")
DRIFT = Finding(kind="drift", severity="warning", text="another warning")
ERROR = Finding(kind="new_class", severity="error", text="an error")
ALL = [NOTE, SKEW, DRIFT, ERROR]


@pytest.mark.parametrize(
    ("options", "stopping"),
    [
        ({}, [ERROR]),
        ({"stop_at": "warning"}, [ERROR, SKEW, DRIFT]),
        ({"stop_at": "warning", "allow": ("new_class", "drift")}, [SKEW]),
        ({"allow": ("new_class",)}, []),
        ({"stop_at": "never"}, []),
    ],
)
def test_findings_from_a_severity_on_stop_the_run_if_they_are_not_allowed(options, stopping):
    assert stopping_findings(ALL, ValidationOptions(**options)) == stopping


def test_the_message_holds_the_worst_finding_the_number_of_others_and_the_kinds_to_allow():
    options = ValidationOptions(stop_at="warning", allow=("rejects",))
    assert stop_message([SKEW, DRIFT, DRIFT], options) == (
        "a warning (and 2 more). To continue anyway: --set validation.allow=[rejects,skew,drift]"
    )
    assert stop_message([ERROR], ValidationOptions()) == (
        "an error. To continue anyway: --set validation.allow=[new_class]"
    )


def test_to_allow_an_unknown_kind_is_an_error_that_names_the_known_ones():
    with pytest.raises(ValidationError, match=r"unknown kind new_clas; known are .*new_class"):
        ValidationOptions(allow=("new_clas",))


def test_findings_about_duplicates_can_be_allowed_too():
    day, night = Picture(b"1", "day", "cat", "train"), Picture(b"2", "night", "dog", "test")
    numbers = {"copies": 1, "conflicts": 1, "across_splits": 1, "across_domains": 1}
    pairs = [Pair(day, night, "label_conflict", 0)]
    found = duplicate_findings(Duplicates(**numbers, pairs=pairs, truncated=True))
    assert len(found) == 5
    assert {finding.kind for finding in found} <= KINDS.keys()
