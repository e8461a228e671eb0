"""Parameters that no command line can hold."""

import pytest

from pipeline.kubeflow.long_parameters import MAX_LENGTH, restore_parameter, shorten_parameter
from trainer_module.contract.errors import UnavailableError


@pytest.mark.parametrize("value", ["short", "", 7, 0.5, "x" * MAX_LENGTH])
def test_a_short_parameter_stays_as_it_is(tmp_path, value):
    assert shorten_parameter(value, tmp_path) == value
    assert restore_parameter(value) == value
    assert list(tmp_path.iterdir()) == []


def test_a_long_parameter_becomes_a_file_and_is_the_same_afterwards(tmp_path):
    value = '{"night\udcff": 1}' * MAX_LENGTH
    short = shorten_parameter(value, tmp_path)
    assert len(short) < 500
    assert restore_parameter(short) == value
    assert shorten_parameter(value, tmp_path) == short  # the key of Kubeflow's cache is the same
    assert shorten_parameter(f"{value} ", tmp_path) != short


def test_a_lost_file_is_named(tmp_path):
    short = shorten_parameter("x" * (MAX_LENGTH + 1), tmp_path)
    [path] = tmp_path.iterdir()
    path.unlink()
    with pytest.raises(UnavailableError, match=f"{path.name} is missing"):
        restore_parameter(short)
