import pytest
from pydantic import TypeAdapter, ValidationError

from components.evaluation.gate.slice_names import SliceNames, slice_columns

NAMES = TypeAdapter(SliceNames)


def test_a_slice_is_a_column_or_several_with_the_domain_first():
    assert NAMES.validate_python("scanner") == ("scanner",)
    assert NAMES.validate_python([" Sex", "Domain", "bed"]) == ("domain", "bed", "sex")


def test_letters_with_accents_have_one_form():
    assert NAMES.validate_python("Gera\N{COMBINING DIAERESIS}t") == ("gerät",)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("domain", "a column besides domain"),
        ([], "a column besides domain"),
        (["scanner", "Scanner"], "a column twice"),
        ("label", "must not name label"),
        (["domain", "Group"], "must not name group"),
        ("probabilities", "must not name probabilities"),
        (" ", "must not be empty"),
    ],
)
def test_names_that_mean_something_else_are_refused(names, message):
    with pytest.raises(ValidationError, match=message):
        NAMES.validate_python(names)


def test_columns_of_slices_are_needed_once_and_the_domain_is_there_anyway():
    assert slice_columns([("sex",), ("domain", "scanner"), ("scanner", "sex")]) == (
        "scanner",
        "sex",
    )
