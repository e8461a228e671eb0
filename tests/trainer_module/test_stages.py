import keras
import numpy as np
import pytest
from trainer_fixtures import SIZE, rows, write_split

from trainer_module.classifier import build_classifier
from trainer_module.errors import InputError
from trainer_module.hardware import set_up_hardware
from trainer_module.input_data import read_pictures
from trainer_module.options import BackboneOptions, FineTuningOptions, TrainingOptions
from trainer_module.stages import (
    StageResult,
    Task,
    choose,
    fine_tune,
    freeze_boundary,
    rate_factors,
    train_frozen,
)

LABELS = ("blue", "green", "red")


@pytest.fixture(name="task")
def _task(tmp_path):
    keras.utils.set_random_seed(1)
    options = TrainingOptions(
        image_size=SIZE,
        frozen={"epochs": 30, "learning_rate": 0.05, "batch_size": 8},
        fine_tuning={"epochs": 2, "views": 2, "batch_size": 8},
    )
    domains = {"day": 20, "night": -20}
    train = write_split(tmp_path / "train", rows(domains, per_class=6, seed=1))
    evaluation = write_split(tmp_path / "eval", rows(domains, per_class=2, seed=2))
    pictures = (read_pictures([pattern], SIZE) for pattern in (train, evaluation))
    return Task(*pictures, options, set_up_hardware(), str(tmp_path))


@pytest.fixture(name="classifier")
def _classifier():
    return build_classifier(BackboneOptions(), SIZE, LABELS)


def result(name: str, *accuracies: float) -> StageResult:
    domains = {str(number): value for number, value in enumerate(accuracies)}
    return StageResult(name, [], 0.0, domains, 0.0, 1)


def test_the_better_stage_on_the_mean_over_domains_is_chosen():
    assert choose([result("frozen", 0.9, 0.5), result("fine_tuned", 0.8, 0.7)]).name == "fine_tuned"
    assert choose([result("frozen", 0.9, 0.7), result("fine_tuned", 0.8, 0.7)]).name == "frozen"


def test_on_a_tie_the_frozen_stage_is_kept():
    assert choose([result("frozen", 0.9), result("fine_tuned", 0.9)]).name == "frozen"


def test_an_unknown_boundary_names_the_blocks(classifier):
    with pytest.raises(InputError, match=r"block0, .*block15.* Received: block99"):
        freeze_boundary(classifier, "block99")


def test_the_frozen_stage_learns_and_leaves_the_backbone_as_it_is(task, classifier):
    before = classifier.backbone.model.get_weights()
    stage = train_frozen(classifier, task)
    assert stage.accuracy == 1.0
    assert stage.domain_accuracy == {"day": 1.0, "night": 1.0}
    for old, new in zip(before, classifier.backbone.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_fine_tuning_changes_the_upper_part_alone_and_no_statistics(task, classifier):
    model = classifier.backbone.model
    before = {weight.path: np.array(weight) for weight in model.weights}
    boundary = freeze_boundary(classifier, "auto")
    fine_tune(classifier, task)
    changed = {w.path for w in model.weights if (np.array(w) != before[w.path]).any()}
    names = [layer.name for layer in model.layers]
    upper = set(names[names.index(boundary) + 1 :])
    assert changed
    assert all(path.split("/")[0] in upper for path in changed)
    normalisation = {
        layer.name for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)
    }
    assert not any(path.split("/")[0] in normalisation for path in changed)


def test_lower_blocks_learn_more_slowly(classifier):
    from trainer_module.backbones import split_at

    _, upper = split_at(classifier.backbone.model, freeze_boundary(classifier, "auto"))
    tail = keras.Model(upper.input, classifier.head(upper.output))
    factors = rate_factors(tail, classifier, decay=0.5)
    assert len(factors) == len(tail.trainable_variables)
    assert factors[-1] == 1.0  # the head
    assert factors[-3] == 0.5  # the top block
    assert factors == sorted(factors)
    assert factors[0] < 0.01


def test_fine_tuning_options_refuse_an_impossible_value():
    with pytest.raises(ValueError, match="less than or equal to 1"):
        FineTuningOptions(rate_decay=2)
