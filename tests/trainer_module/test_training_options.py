import pytest

from trainer_module.training_options import FineTuningOptions


def test_fine_tuning_options_refuse_an_impossible_value():
    with pytest.raises(ValueError, match="less than or equal to 1"):
        FineTuningOptions(rate_decay=2)
