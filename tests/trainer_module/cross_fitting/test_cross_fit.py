"""A retraining with a new domain whose pictures are cross-fitted, and the one after it."""

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
from trainer_fixtures import fn_args, rows, write_split

from trainer_module import training
from trainer_module.activations.activations import Activations
from trainer_module.cross_fitting.cross_fit import Start, _FoldTraining, choose_start
from trainer_module.cross_fitting.fold_models import FoldModels, read_fold_models
from trainer_module.cross_fitting.folds import Folds
from trainer_module.cross_fitting.out_of_fold import OutOfFold, read_out_of_fold
from trainer_module.export.saved_model import load_classifier
from trainer_module.multi_worker import multi_worker
from trainer_module.training import run_fn

pytestmark = [pytest.mark.component, pytest.mark.usefixtures("registered")]

#: Pictures of the new domain, three per class in train and one per class in eval.
FOG = {"train": rows({"fog": 40}, 3, seed=5), "eval": rows({"fog": 40}, 1, seed=6)}

#: Two folds are as good as four here.
FOLDS = {row.image_id: number % 2 for number, row in enumerate(FOG["train"] + FOG["eval"])}

TUNING = {"epochs": 1, "views": 1, "batch_size": 8}
OPTIONS = {"frozen": {"epochs": 3}}


@dataclass(frozen=True)
class Retraining:
    """A finished training, and what its fold models were trained on and predicted."""

    args: SimpleNamespace
    trained: list[tuple[Activations, Activations]]
    predicted: list[Activations]
    continued: list[int]

    @property
    def predictions(self) -> OutOfFold:
        """Return the predictions that are kept with the model."""
        found = read_out_of_fold(self.args.serving_model_dir)
        assert found is not None
        return found


def retrain(folder: Path, base: str, folds: Folds, trainable_from: float = 0.5) -> Retraining:
    """Train on all domains, from a base."""
    options = OPTIONS | {"fine_tuning": TUNING | {"trainable_from": trainable_from}}
    args = fn_args(folder, options, base)
    for split in FOG:
        write_split(folder / f"fog-{split}", FOG[split])
    args.train_files.append(str(folder / "fog-train" / "*"))
    args.eval_files.append(str(folder / "fog-eval" / "*"))
    args.custom_config["folds"] = asdict(folds)
    done = Retraining(args, [], [], [])
    train, predict, start = _FoldTraining.train, _FoldTraining.predict, FoldModels.start

    def record_training(self, fold, *splits):
        done.trained.append(splits)
        train(self, fold, *splits)

    def record_prediction(self, activations):
        done.predicted.append(activations)
        return predict(self, activations)

    def record_start(self, fold, *others):
        done.continued.append(fold)
        return start(self, fold, *others)

    with (
        mock.patch.object(_FoldTraining, "train", record_training),
        mock.patch.object(_FoldTraining, "predict", record_prediction),
        mock.patch.object(FoldModels, "start", record_start),
    ):
        run_fn(args)
    return done


@pytest.fixture(scope="module", name="first")
def _first(registered, trained, tmp_path_factory) -> Retraining:
    """The retraining that the domain comes with."""
    folder = tmp_path_factory.mktemp("first")
    return retrain(folder, trained.serving_model_dir, Folds(new=FOLDS))


def test_every_picture_in_a_fold_is_predicted_in_train_and_in_eval(first):
    found = first.predictions
    assert dict(zip(found.image_ids.astype(str), found.folds.tolist(), strict=True)) == FOLDS
    assert found.probabilities.shape == (12, 3)
    assert found.probabilities.sum(axis=1) == pytest.approx(np.ones(12), abs=1e-5)


def test_a_fold_model_is_trained_without_its_fold_and_predicts_nothing_else(first):
    assert len(first.trained) == 2
    for splits in first.trained:
        assert sum(int((part.domains == "fog").sum()) for part in splits) == 6
        assert [int((part.domains != "fog").sum()) for part in splits] == [36, 12]
    assert sum(len(part) for part in first.predicted) == 12
    assert {domain for part in first.predicted for domain in part.domains} == {"fog"}


def test_fold_models_differ_from_the_exported_model_above_the_boundary_only(first):
    models = read_fold_models(first.args.serving_model_dir)
    assert sorted(models.changed) == [0, 1]
    weights = load_classifier(first.args.serving_model_dir).get_weights()
    assert {len(weights) - 2, len(weights) - 1} <= models.positions
    assert min(models.positions) > 0  # the first convolution is below the boundary


def test_the_next_run_continues_the_fold_models_and_names_each_as_it_begins(
    first, tmp_path, caplog
):
    assert first.continued == []
    with caplog.at_level(logging.INFO, "carryover.training"):
        second = retrain(tmp_path, first.args.serving_model_dir, Folds(known=FOLDS))
    lines = [line for line in caplog.messages if line.startswith("cross-fitting: fold ")]
    assert lines == ["cross-fitting: fold 1 of 2", "cross-fitting: fold 2 of 2"]
    assert second.continued == [0, 1]
    assert len(second.predictions) == 12


def test_fold_models_of_a_whole_network_differ_everywhere_and_are_continued(
    trained, tmp_path, monkeypatch
):
    # Fold models repeat the stage that is exported.
    monkeypatch.setattr(training, "select_stage", lambda stages, *_: stages[-1])
    folder = trained.serving_model_dir
    first = retrain(tmp_path / "first", folder, Folds(new=FOLDS), trainable_from=0)
    models = read_fold_models(first.args.serving_model_dir)
    assert sorted(models.changed) == [0, 1]
    assert 0 in models.positions  # the first convolution
    assert len(first.predictions) == 12
    second = retrain(
        tmp_path / "second", first.args.serving_model_dir, Folds(known=FOLDS), trainable_from=0
    )
    assert second.continued == [0, 1]
    assert len(second.predictions) == 12


def test_pictures_that_the_serving_model_was_trained_on_need_its_fold_models(classifier, caplog):
    folds = Folds(new={"a": 0}, known={"b": 1})
    weights = classifier.get_weights()
    boundary = classifier.backbone.blocks[2]
    last = len(weights) - 3  # statistics of the last block's batch normalisation

    def choose(
        fold_models: FoldModels | None, folds: Folds = folds, warm_classes: int = 3
    ) -> tuple[Folds, FoldModels | None]:
        start = Start(weights, warm_classes, fold_models)
        chosen, start = choose_start(folds, start, classifier, boundary)
        return chosen, start.fold_models

    below = FoldModels({0: {0: weights[0].astype(np.float16)}})
    above = FoldModels({0: {last: weights[last].astype(np.float16)}})
    with caplog.at_level(logging.WARNING, "carryover.training"):
        assert choose(None) == (Folds(new={"a": 0}), None)
        assert choose(below) == (Folds(new={"a": 0}), None)
    assert "cross-fitting leaves out 1 known picture:" in caplog.text
    assert choose(above) == (folds, above)
    assert choose(None, warm_classes=0) == (folds, None)  # the start has seen no picture
    only_new = Folds(new={"a": 0})
    assert choose(below, only_new) == (only_new, None)


def test_a_training_without_folds_keeps_no_predictions(trained):
    assert read_out_of_fold(trained.serving_model_dir) is None
    assert read_fold_models(trained.serving_model_dir) is None


def test_folds_are_part_of_a_training_job():
    job = multi_worker.TrainingJob(
        job_id="1",
        train_files=[],
        eval_files=[],
        base_model=None,
        custom_config={"folds": asdict(Folds(new=FOLDS))},
        serving_model_dir="model",
        model_run_dir="run",
    )
    read = multi_worker.TrainingJob.model_validate_json(job.model_dump_json())
    assert Folds(**read.custom_config["folds"]) == Folds(new=FOLDS)
