from dataclasses import replace

import keras
import numpy as np
import pytest

from trainer_module.activations.extraction import add_views, extract_activations
from trainer_module.contract.errors import InputError
from trainer_module.stages.fine_tuning_stage import fine_tune, freeze_boundary
from trainer_module.stages.frozen_stage import train_frozen
from trainer_module.training_options import TrainingOptions

pytestmark = pytest.mark.component


def test_an_unknown_boundary_is_an_error_that_names_the_blocks(efficientnet):
    with pytest.raises(InputError, match=r"block0, .*block15.* Received: block99"):
        freeze_boundary(efficientnet, "block99")


@pytest.mark.parametrize(("share", "position"), [(0.0, 0), (0.5, 9), (1.0, -1)])
def test_a_share_of_the_blocks_stays_frozen(efficientnet, share, position):
    assert freeze_boundary(efficientnet, share) == efficientnet.backbone.blocks[position]


def test_only_blocks_above_the_boundary_change_and_no_batch_statistics(task, splits, classifier):
    model = classifier.backbone.model
    before = {weight.path: np.array(weight) for weight in model.weights}
    boundary = freeze_boundary(classifier, 0.5)
    train, evaluation = (extract_activations(split, classifier, boundary, task) for split in splits)
    train = add_views(train, splits[0], classifier, boundary, task)
    stage = fine_tune(classifier, boundary, train, evaluation, task, start=0.0)
    changed = {w.path for w in model.weights if (np.array(w) != before[w.path]).any()}
    names = [layer.name for layer in model.layers]
    above_boundary = set(names[names.index(boundary) + 1 :])
    assert changed
    assert all(path.split("/")[0] in above_boundary for path in changed)
    normalisation = {
        layer.name for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)
    }
    assert not any(path.split("/")[0] in normalisation for path in changed)
    assert stage.details["interpolation"] in (0.25, 0.5, 0.75, 1.0)
    assert [round(epoch["loss"], 1) for epoch in stage.details["curve"]] != [0.0, 0.0]


def test_the_eval_split_is_predicted_by_one_function_that_is_traced_once(
    task, splits, classifier, monkeypatch
):
    model = type(classifier.backbone.model)
    call, traced = model.call, []

    def counted_call(self, *args, **options):
        if self.name == "head" and options.get("training") is False:
            traced.append(self.name)
        return call(self, *args, **options)

    boundary = freeze_boundary(classifier, 0.9)
    train, evaluation = (extract_activations(split, classifier, boundary, task) for split in splits)
    monkeypatch.setattr(model, "call", counted_call)
    fine_tune(classifier, boundary, train, evaluation, task, start=0.0)
    assert len(traced) == 1


@pytest.mark.parametrize("objective", ["balanced", "group_dro", "coral"])
def test_every_objective_trains_both_stages(task, splits, classifier, objective):
    tuning = task.options.fine_tuning.model_copy(update={"learning_rate": 5e-5})
    options = task.options.model_copy(update={"fine_tuning": tuning}).model_dump()
    options["objective"] = {"name": objective}
    task = replace(task, options=TrainingOptions.model_validate(options))
    train, evaluation = (extract_activations(split, classifier, "block1", task) for split in splits)
    assert train_frozen(classifier, train, evaluation, task, start=0.0).score.accuracy == 1.0
    assert fine_tune(classifier, "block1", train, evaluation, task, 0.0).score.accuracy > 0.9
