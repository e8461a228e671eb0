"""Size of activations, against those of the real backbone."""

from unittest import mock

import pytest

from pipeline.config.run_config import RunConfig
from pipeline.running.needs import activation_size as module
from pipeline.running.needs.activation_size import ActivationSize, activation_size
from trainer_module.training_options import BackboneOptions

pytestmark = pytest.mark.component

#: Bytes of an embedding and of a view of EfficientNet-Lite0 at 64 px, at the half of its blocks.
EMBEDDING, VIEW = 2 * 1280, 2 * 4 * 4 * 112


def size(budget: float, **tuning: object) -> ActivationSize:
    config = RunConfig(data="data", image_size=64, fine_tuning={"views": 2, **tuning})
    return activation_size(config, 100, 10, budget)


def test_embeddings_and_views_beyond_the_budget_are_on_disk():
    everything = 110 * (EMBEDDING + VIEW) + 100 * VIEW
    assert size(1e9) == ActivationSize(everything, 0)
    assert size(0) == ActivationSize(0, everything)
    # The embeddings of 100 pictures fit, and then those of 10.
    assert size(110 * EMBEDDING) == ActivationSize(110 * EMBEDDING, everything - 110 * EMBEDDING)


def test_without_fine_tuning_there_are_only_embeddings():
    assert size(1e9, epochs=0) == ActivationSize(110 * EMBEDDING, 0)


def test_the_size_is_that_of_the_backbone_with_all_its_options():
    backbone = {"name": "hub:./vit", "weights": "imagenet", "scaling": "unit"}
    config = RunConfig(data="data", image_size=64, backbone=backbone)
    with mock.patch.object(module, "run_without_gpu", return_value=[[8], [4, 4, 8]]) as run:
        found = activation_size(config, 100, 10, 1e9)
    _, options, image_size, boundary = run.call_args.args
    given = BackboneOptions.model_validate_json(options)
    assert (given.scaling, given.weights, image_size, boundary) == ("unit", "none", "64", "0.5")
    assert given.name == config.backbone.name
    assert found == ActivationSize(2 * (110 * 8 + 210 * 4 * 4 * 8), 0)
