import pyarrow as pa
import pytest

from components.evaluation.predictions.prediction_files import SCHEMA
from components.evaluation.predictions.score_pairs import read_score_pairs

pytestmark = pytest.mark.component


def picture(domain: str, label: str, predicted: str, baseline: str | None) -> dict[str, object]:
    """A row of the predictions: the candidate is more confident than the baseline."""
    numbers = {"confidence": 0.75, "true_probability": 0.5}
    if baseline:
        numbers |= {"baseline_confidence": 0.5, "baseline_true_probability": 0.25}
    names = {"domain": domain, "label": label, "predicted": predicted}
    return names | numbers | {"baseline_predicted": baseline}


def test_both_versions_have_the_same_pictures_and_classes():
    rows = [
        picture("day", "red", "red", "never a label"),
        picture("day", "green", "green", None),
        picture("night", "blue", "red", "blue"),
    ]
    pairs = read_score_pairs(pa.Table.from_pylist(rows, SCHEMA))
    assert pairs.domains.tolist() == ["day", "night"]
    blue, red = 0, 1
    assert pairs.before.labels.tolist() == pairs.after.labels.tolist() == [red, blue]
    assert pairs.before.predicted.tolist() == [-1, blue]
    assert pairs.after.predicted.tolist() == [red, red]
    assert pairs.after.correct.tolist() == [True, False]
    assert pairs.before.confidence.tolist() == [0.5, 0.5]
    assert pairs.after.confidence.tolist() == [0.75, 0.75]
    assert pairs.before.true_probability.tolist() == [0.25, 0.25]
    assert pairs.after.true_probability.tolist() == [0.5, 0.5]


def test_a_picture_whose_label_was_corrected_is_left_out_whether_its_prediction_was_right_or_not():
    rows = [picture("day", "red", "red", "red"), picture("day", "red", "red", "blue")]
    rows = [row | {"baseline_true_probability": None} for row in rows]
    kept = picture("day", "blue", "red", "blue")
    pairs = read_score_pairs(pa.Table.from_pylist([*rows, kept], SCHEMA))
    assert pairs.before.labels.tolist() == [0]


def test_a_class_that_the_serving_version_does_not_know_is_left_out():
    rows = [picture("day", "red", "red", "red"), picture("day", "blue", "blue", "red")]
    pairs = read_score_pairs(pa.Table.from_pylist(rows, SCHEMA), {"red", "green"})
    assert pairs.before.correct.tolist() == pairs.after.correct.tolist() == [True]


def test_no_predictions_give_no_pairs():
    assert read_score_pairs(SCHEMA.empty_table()).domains.tolist() == []
