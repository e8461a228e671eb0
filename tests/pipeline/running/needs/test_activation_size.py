"""Size of activations, against those of the real backbone."""

import pytest

from pipeline.config.run_config import RunConfig
from pipeline.running.needs.activation_size import ActivationSize, activation_size

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
