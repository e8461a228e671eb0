import keras
import pytest

from trainer_module.backbones import split_at
from trainer_module.stages.fine_tuning_stage import freeze_boundary
from trainer_module.stages.training_step import rate_factors

pytestmark = pytest.mark.component


def test_lower_blocks_have_smaller_learning_rates(efficientnet):
    _, above_boundary = split_at(efficientnet.backbone.model, freeze_boundary(efficientnet, 0.5))
    trained_part = keras.Model(above_boundary.input, efficientnet.head(above_boundary.output))
    factors = rate_factors(trained_part, efficientnet, decay=0.5)
    assert len(factors) == len(trained_part.trainable_variables)
    assert factors[-1] == 1.0  # the head
    assert factors[-3] == 0.5  # the top block
    assert factors == sorted(factors)
    assert factors[0] < 0.01
