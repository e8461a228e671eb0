from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.evaluation.predictions.stored_predictions import (
    SCHEMA,
    Prediction,
    find_predicted,
    keep_predictions,
    keep_slices,
    predictions_by_picture,
    read_stored,
    stored_slices,
)
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.model_assets import TEST_PREDICTIONS

pytestmark = pytest.mark.component

ONE, TWO, THREE = (bytes([number]) * 16 for number in (1, 2, 3))


def store(model: Path, *pictures: tuple[bytes, str, str]) -> Path:
    """Keep predictions with a version: content, label and predicted class of every picture."""
    rows = [
        {
            "content": content,
            "domain": "day",
            "label": label,
            "predicted": predicted,
            "confidence": 0.75,
            "true_probability": 0.25,
        }
        for content, label, predicted in pictures
    ]
    (model / TEST_PREDICTIONS).parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), model / TEST_PREDICTIONS)
    return model


def scanners(model: Path) -> list[str]:
    """The values of the slice `scanner` that are kept with a version."""
    return sorted(values["scanner"] for values in stored_slices(model).values() if values)


def test_the_predictions_of_an_evaluation_are_kept_without_the_paths_of_pictures(blessed, tmp_path):
    keep_predictions(blessed.evaluation.uri, tmp_path)
    stored = read_stored(tmp_path)
    assert stored.schema.equals(SCHEMA)
    assert "image_id" not in pq.read_schema(tmp_path / TEST_PREDICTIONS).names
    assert stored["domain"].to_pylist() == ["day"] * 4 + ["night"] * 2
    assert stored["label"].to_pylist() == ["red", "red", "green", "blue", "red", "red"]
    # The fourth is (204, 51, 0), and the last (51, 0, 204).
    assert stored["predicted"].to_pylist() == ["red", "red", "green", "red", "red", "blue"]
    assert stored["confidence"].to_pylist() == pytest.approx([1, 0.6, 0.6, 0.8, 1, 0.8])
    assert stored["true_probability"].to_pylist() == pytest.approx([1, 0.6, 0.6, 0, 1, 0.2])


def test_values_of_slices_are_kept_and_versions_of_before_have_none(blessed, rejected, tmp_path):
    keep_predictions(blessed.evaluation.uri, tmp_path)
    assert [*stored_slices(tmp_path).values()] == [{}] * 6
    keep_predictions(rejected.evaluation.uri, tmp_path)
    assert scanners(tmp_path) == [*"AAABB"]
    keep_slices(blessed.evaluation.uri, tmp_path)  # an evaluation without slices takes none away
    assert len(scanners(tmp_path)) == 5
    path = tmp_path / TEST_PREDICTIONS
    pq.write_table(pq.read_table(path).drop(["slices"]), path)
    assert [*stored_slices(tmp_path).values()] == [{}] * 6
    assert len(predictions_by_picture(tmp_path)) == 6


def test_a_version_that_is_evaluated_again_gets_the_values_of_further_slices(
    blessed, rejected, tmp_path
):
    keep_slices(rejected.evaluation.uri, tmp_path)
    assert list(tmp_path.iterdir()) == []  # it was pushed before predictions were kept
    keep_predictions(blessed.evaluation.uri, tmp_path)
    before = predictions_by_picture(tmp_path)
    keep_slices(rejected.evaluation.uri, tmp_path)
    assert scanners(tmp_path) == [*"AAABB"]
    assert predictions_by_picture(tmp_path) == before


def test_a_version_that_was_pushed_before_predictions_were_kept_has_none(tmp_path):
    assert read_stored(tmp_path).num_rows == 0
    assert predictions_by_picture(tmp_path) == {}
    assert find_predicted(read_stored(tmp_path), pa.array([ONE], pa.binary(16))).tolist() == [None]


def test_a_damaged_file_is_named(tmp_path):
    path = store(tmp_path / "7", (ONE, "red", "red")) / TEST_PREDICTIONS
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UnavailableError, match=f"list of test predictions {path} cannot be read"):
        predictions_by_picture(tmp_path / "7")


def test_predictions_are_found_by_content_and_label(tmp_path):
    model = store(tmp_path / "7", (ONE, "red", "blue"), (TWO, "red", "red"))
    stored = predictions_by_picture(model)
    assert stored[ONE, "red"] == Prediction("blue", 0.75, 0.25)
    assert (ONE, "blue") not in stored  # the label was corrected since
    assert (THREE, "red") not in stored


def test_the_predicted_class_is_found_by_content_alone_and_for_every_copy(tmp_path):
    # The second and the third row are copies of one picture.
    model = store(tmp_path / "7", (ONE, "red", "blue"), (TWO, "red", "red"), (TWO, "green", "red"))
    contents = pa.array([TWO, THREE, ONE, TWO], pa.binary(16))
    found = find_predicted(read_stored(model), contents)
    assert found.tolist() == ["red", None, "blue", "red"]
