import pytest
from pydantic import ValidationError

from trainer_module.training_options import TrainingOptions
from trainer_module.tuning.trial_values import changed_values, rounded, with_values

OPTIONS = TrainingOptions(image_size=64)


def test_learning_rates_have_two_digits():
    values = {"fine_tuning.learning_rate": 0.00123456, "fine_tuning.label_smoothing": 0.05}
    assert rounded(values) == values | {"fine_tuning.learning_rate": 0.0012}


def test_only_values_that_differ_are_changes():
    values = {"fine_tuning.views": 2, "fine_tuning.epochs": 12, "objective.name": "erm"}
    assert changed_values(OPTIONS, values) == {"fine_tuning.epochs": 12}
    changed = with_values(OPTIONS, values)
    assert changed.fine_tuning.epochs == 12
    assert changed.fine_tuning.views == OPTIONS.fine_tuning.views


def test_a_value_that_is_not_allowed_is_an_error():
    with pytest.raises(ValidationError):
        with_values(OPTIONS, {"objective.name": "unknown"})
