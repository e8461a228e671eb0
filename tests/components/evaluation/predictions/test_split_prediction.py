"""The baseline is called for no picture whose prediction is kept with it."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_models import ColourModel, example, save_model, write_shard

from components.evaluation.predictions import split_prediction
from components.evaluation.predictions.prediction_files import FOLDER, read_predictions
from components.evaluation.predictions.split_prediction import PredictChunk
from components.evaluation.predictions.stored_predictions import SCHEMA
from components.image_example_gen.catalog import write_catalog
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.model_assets import TEST_PREDICTIONS
from trainer_module.cross_fitting.out_of_fold import OutOfFold
from trainer_module.export.saved_model_classifier import SavedModelClassifier

pytestmark = pytest.mark.component

SUFFIX = "00000-of-00001"

#: True class, colour and digest; the last two are copies of one picture. The class of the fourth is
#: unknown to both models.
PICTURES = (
    ("red", (255, 0, 0), b"a" * 16),
    ("red", (51, 0, 204), b"b" * 16),
    ("blue", (51, 0, 204), b"c" * 16),
    ("violet", (153, 0, 102), b"d" * 16),
    ("green", (0, 255, 0), b"e" * 16),
    ("green", (0, 255, 0), b"e" * 16),
)

#: Prediction that is kept with the baseline for every picture; no model would make it.
KEPT = ("kept", 0.125, 0.0625)


@pytest.fixture(scope="module", name="candidate")
def _candidate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows red, green and blue."""
    return save_model(tmp_path_factory.mktemp("candidate") / "model", ColourModel())


def keep(folder: Path, *, without: bytes = b"", corrected: bytes = b"") -> Path:
    """Keep a prediction for every picture, but for one; another had a different label then."""
    rows = [
        {"content": content, "domain": "day", "label": "other" if content == corrected else label}
        | dict(zip(("predicted", "confidence", "true_probability"), KEPT, strict=True))
        for label, _, content in PICTURES
        if content != without
    ]
    (folder / TEST_PREDICTIONS).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), folder / TEST_PREDICTIONS)
    return folder


def predict(folder: Path, candidate: Path, baseline: Path | None) -> pa.Table:
    """Write the predictions for `PICTURES`, and read them."""
    ids = [f"{number}.png".encode() for number in range(len(PICTURES))]
    records = [
        example("day", label, colour, image_id=image_id)
        for image_id, (label, colour, _) in zip(ids, PICTURES, strict=True)
    ]
    write_shard(folder / "examples" / "Split-test", records)
    (folder / "catalog").mkdir()
    rows = [
        {"image_id": image_id, "content": content}
        for image_id, (_, _, content) in zip(ids, PICTURES, strict=True)
    ]
    write_catalog(str(folder / "catalog"), SUFFIX, rows)
    (folder / "evaluation" / FOLDER).mkdir(parents=True)
    chunk = PredictChunk(
        str(candidate),
        str(baseline) if baseline else None,
        str(folder / "examples"),
        str(folder / "catalog"),
        str(folder / "evaluation"),
    )
    assert list(chunk.process(SUFFIX)) == [len(PICTURES)]
    return read_predictions(str(folder / "evaluation"))


def of_baseline(table: pa.Table) -> list[tuple[str, float, float]]:
    names = (f"baseline_{name}" for name in ("predicted", "confidence", "true_probability"))
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def test_the_candidate_is_called_for_every_picture(candidate, tmp_path):
    table = predict(tmp_path, candidate, None)
    assert table["content"].to_pylist() == [content for _, _, content in PICTURES]
    assert table["label_id"].to_pylist() == [0, 0, 2, -1, 1, 1]
    assert table["predicted"].to_pylist() == ["red", "blue", "blue", "red", "green", "green"]
    assert table["confidence"].to_pylist() == pytest.approx([1, 0.8, 0.8, 0.6, 1, 1])
    assert table["true_probability"].to_pylist() == pytest.approx([1, 0.2, 0.8, 0, 1, 1])
    assert of_baseline(table) == [(None, None, None)] * len(PICTURES)


def test_a_baseline_whose_predictions_are_kept_is_not_even_loaded(candidate, tmp_path):
    baseline = keep(tmp_path / "baseline")  # the folder holds no SavedModel
    table = predict(tmp_path, candidate, baseline)
    assert of_baseline(table) == [KEPT] * len(PICTURES)


@pytest.mark.parametrize("change", ["without", "corrected"])
def test_a_baseline_is_called_for_new_pictures_and_corrected_labels_only(
    candidate, tmp_path, change
):
    # The model of the baseline is the candidate's, in a folder that is shared by both.
    baseline = tmp_path / "baseline"
    baseline.symlink_to(candidate)
    keep(baseline, **{change: b"b" * 16})
    table = predict(tmp_path, candidate, baseline)
    first, second, *others = of_baseline(table)
    assert first == KEPT
    assert second == ("blue", pytest.approx(0.8), pytest.approx(0.2))
    assert others == [KEPT] * 4


def test_a_model_is_loaded_once_and_not_for_every_batch(candidate, tmp_path, monkeypatch):
    loaded = []

    class Counting(SavedModelClassifier):
        def __init__(self, folder: Path) -> None:
            loaded.append(folder.name)
            super().__init__(folder)

    monkeypatch.setattr(split_prediction, "SavedModelClassifier", Counting)
    monkeypatch.setattr(split_prediction, "BATCH_SIZE", 1)
    baseline = tmp_path / "baseline"
    baseline.symlink_to(candidate)
    (candidate / TEST_PREDICTIONS).unlink(missing_ok=True)
    predict(tmp_path, candidate, baseline)
    assert sorted(loaded) == ["baseline", "model"]


def test_a_baseline_without_predictions_is_called_for_all(candidate, tmp_path):
    (candidate / TEST_PREDICTIONS).unlink(missing_ok=True)
    table = predict(tmp_path, candidate, candidate)
    assert of_baseline(table)[:2] == [
        ("red", 1.0, 1.0),
        ("blue", pytest.approx(0.8), pytest.approx(0.2)),
    ]
    assert table["baseline_predicted"].equals(table["predicted"])


def cross_fitted(folder: Path, candidate: Path, baseline: Path, known: set[int]) -> pa.Table:
    """Return the predictions for `PICTURES`, of which the first is in test and the next three in
    train. These three have out-of-fold predictions; the last two are in no fold.

    Args:
        folder: Folder for all files.
        candidate: Folder of the candidate's model.
        baseline: Folder of the baseline.
        known: Numbers of the pictures that the baseline was trained on.
    """
    model = folder / "candidate"
    shutil.copytree(candidate, model)
    ids = [f"{number}.png".encode() for number in range(len(PICTURES))]
    probabilities = np.array([[0.5, 0.25, 0.25], [0.1, 0.7, 0.2], [0.25, 0.25, 0.5]], np.float32)
    OutOfFold(np.array(ids[1:4]), np.arange(3, dtype=np.int8), probabilities).write(str(model))
    records = [
        example("day", label, colour, image_id=image_id)
        for image_id, (label, colour, _) in zip(ids, PICTURES, strict=True)
    ]
    write_shard(folder / "examples" / "Split-test", records[:1])
    write_shard(folder / "examples" / "Split-train", records[1:])
    (folder / "catalog").mkdir()
    rows = [
        {
            "image_id": ids[n],
            "content": content,
            "split": "train" if n else "test",
            "known": n in known,
        }
        for n, (_, _, content) in enumerate(PICTURES)
    ]
    write_catalog(str(folder / "catalog"), SUFFIX, rows)
    (folder / "evaluation" / FOLDER).mkdir(parents=True)
    uris = (str(folder / name) for name in ("examples", "catalog", "evaluation"))
    assert list(PredictChunk(str(model), str(baseline), *uris).process(SUFFIX)) == [4]
    return read_predictions(str(folder / "evaluation"))


def test_a_picture_that_is_cross_fitted_has_the_prediction_of_its_fold_model(candidate, tmp_path):
    baseline = keep(tmp_path / "baseline")
    table = cross_fitted(tmp_path, candidate, baseline, known=set())
    assert table["cross_fitted"].to_pylist() == [False, True, True, True]
    assert table["predicted"].to_pylist() == ["red", "red", "green", "blue"]
    assert table["confidence"].to_pylist() == pytest.approx([1, 0.5, 0.7, 0.5])
    assert table["true_probability"].to_pylist() == pytest.approx([1, 0.5, 0.2, 0])
    assert of_baseline(table) == [KEPT] * 4


def test_the_baseline_is_never_called_for_a_picture_that_it_was_trained_on(candidate, tmp_path):
    baseline = tmp_path / "baseline"
    shutil.copytree(candidate, baseline)
    keep(baseline, corrected=b"b" * 16, without=b"c" * 16)
    table = cross_fitted(tmp_path, candidate, baseline, known={1, 3})
    assert of_baseline(table) == [
        KEPT,
        (*KEPT[:2], None),  # the class that its fold model predicted, whatever the label was
        ("blue", pytest.approx(0.8), pytest.approx(0.8)),
        KEPT,
    ]


def test_a_picture_that_the_baseline_was_trained_on_has_no_prediction_where_none_is_kept(
    candidate, tmp_path
):
    baseline = tmp_path / "baseline"
    shutil.copytree(candidate, baseline)
    keep(baseline, without=b"b" * 16)
    table = cross_fitted(tmp_path, candidate, baseline, known={1})
    assert of_baseline(table)[1] == (None, None, None)


def test_a_new_picture_needs_the_model_of_the_baseline(candidate, tmp_path):
    baseline = keep(tmp_path / "baseline", without=b"b" * 16)
    with pytest.raises(UnavailableError, match=r"model .*baseline cannot be read"):
        predict(tmp_path, candidate, baseline)
