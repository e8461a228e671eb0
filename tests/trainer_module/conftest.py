"""Fixtures of a tiny training: a task, two splits, a classifier and a finished training."""

from collections.abc import Iterator
from types import SimpleNamespace

import keras
import pytest
import tiny_backbone
from trainer_fixtures import SIZE, fn_args, rows, write_split

from trainer_module.classifier import Classifier, build_classifier
from trainer_module.data.transformed_examples import Pictures, read_pictures
from trainer_module.hardware import set_up_hardware
from trainer_module.training import run_fn
from trainer_module.training_options import BackboneOptions, TrainingOptions
from trainer_module.training_task import TrainingTask, create_task


@pytest.fixture(scope="module")
def registered() -> Iterator[None]:
    """Let the trainer build `tiny_backbone`."""
    with tiny_backbone.tiny_backbone():
        yield


@pytest.fixture
def task(tmp_path) -> TrainingTask:
    keras.utils.set_random_seed(1)
    options = TrainingOptions(
        image_size=SIZE,
        frozen={"epochs": 30, "learning_rate": 0.05, "batch_size": 8},
        fine_tuning={"epochs": 2, "views": 2, "batch_size": 8},
    )
    return create_task(options, set_up_hardware(), str(tmp_path))


@pytest.fixture
def splits(tmp_path) -> list[Pictures]:
    """The train split and the eval split, in two domains."""
    domains = {"day": 20, "night": -20}
    train = write_split(tmp_path / "train", rows(domains, per_class=6, seed=1))
    evaluation = write_split(tmp_path / "eval", rows(domains, per_class=2, seed=2))
    return [read_pictures([pattern], SIZE) for pattern in (train, evaluation)]


@pytest.fixture
def classifier(registered) -> Classifier:
    keras.utils.set_random_seed(1)
    options = BackboneOptions(**tiny_backbone.OPTIONS)
    return build_classifier(options, SIZE, ("blue", "green", "red"))


@pytest.fixture(scope="session")
def efficientnet() -> Classifier:
    """A classifier with the default backbone, which has many blocks. No test may change it."""
    return build_classifier(BackboneOptions(weights="none"), SIZE, ("blue", "green", "red"))


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> SimpleNamespace:
    """The `FnArgs` of a finished training with both stages. No test may change its folders."""
    args = fn_args(tmp_path_factory.mktemp("trained"), {})
    with tiny_backbone.tiny_backbone():
        run_fn(args)
    return args
