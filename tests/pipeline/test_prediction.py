"""Predictions of a SavedModel whose answers are known."""

from pathlib import Path

import pytest
from tiny_models import ColourModel, save_model
from tiny_pictures import solid, write_files

from components.pusher.versions import Push, VersionStore
from pipeline import prediction
from pipeline.prediction import predict_images
from trainer_module.errors import InputError

PUSH = Push("digest", "run", "key", None, "2024-01-01T00:00:00+00:00", {})


@pytest.fixture(name="workspace", scope="module")
def _workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prediction")
    store = VersionStore(folder / "workspace", "colours")
    for labels in (("red", "green"), ("red", "green", "blue")):
        store.push(save_model(folder / str(len(labels)), ColourModel(labels)), PUSH)
    return store.root


def test_the_newest_version_answers_with_label_and_confidence(workspace, tmp_path, capsys):
    write_files(tmp_path, {"[a].png": solid("blue"), "b.png": solid((150, 50, 0))})
    paths = [tmp_path / "[a].png", tmp_path / "b.png"]
    assert predict_images(paths, workspace, None) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{paths[0]}  blue  1.000",
        f"{paths[1]}  red  0.750",
    ]


def test_more_pictures_than_a_batch_keep_their_order(workspace, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(prediction, "BATCH", 2)
    colours = ["red", "blue", "lime", "blue", "red"]
    files = {f"{n}.png": solid(colour) for n, colour in enumerate(colours)}
    write_files(tmp_path, files)
    predict_images([tmp_path / name for name in files], workspace, None)
    labels = [line.split()[-2] for line in capsys.readouterr().out.splitlines()]
    assert labels == ["red", "blue", "green", "blue", "red"]


def test_a_picture_that_cannot_be_read_is_told_and_the_others_are_classified(
    workspace, tmp_path, capsys
):
    write_files(tmp_path, {"good.png": solid("red"), "bad.png": b"hello"})
    paths = [tmp_path / name for name in ("gone.png", "good.png", "bad.png")]
    assert predict_images(paths, workspace, None) == 2
    output = capsys.readouterr()
    assert output.out.splitlines() == [f"{paths[1]}  red  1.000"]
    assert output.err.splitlines() == [
        f"{paths[0]}: cannot be opened: No such file or directory",
        f"{paths[2]}: not a picture in a known format",
    ]


def test_formats_that_tensorflow_cannot_read_are_classified_too(workspace, tmp_path, capsys):
    path = tmp_path / "a.webp"
    path.write_bytes(solid("blue", form="WEBP"))
    assert predict_images([path], workspace, None) == 0
    assert " blue " in capsys.readouterr().out


def test_without_a_version_nothing_is_predicted(tmp_path):
    (tmp_path / "serving" / "colours").mkdir(parents=True)
    with pytest.raises(InputError, match=r"no version serves in .*Run: carryover run"):
        predict_images([tmp_path / "a.png"], tmp_path, None)
