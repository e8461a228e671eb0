import numpy as np
import pytest
import tensorflow as tf

from trainer_module.activations.activation_store import ActivationStore, store_outputs
from trainer_module.hardware import set_up_hardware

pytestmark = pytest.mark.component


def test_arrays_beyond_the_budget_are_on_disk_and_leave_no_file_behind(tmp_path):
    store = ActivationStore(str(tmp_path), budget=100)
    small, large, last = store.reserve(5, (8,)), store.reserve(50, (8,)), store.reserve(1, (10,))
    assert [isinstance(array, np.memmap) for array in (small, large, last)] == [False, True, False]
    large[:] = 1
    assert large.sum() == 400
    assert list(tmp_path.iterdir()) == []


def test_outputs_are_stored_in_the_rows_that_the_batches_name(tmp_path):
    store = ActivationStore(str(tmp_path), budget=0)
    doubled, squared = store.reserve(4, (2,)), store.reserve(4, ())
    rows = np.array([2, 0, 3, 1, 2, 0])
    inputs = np.stack([rows, rows + 1], axis=1).astype(np.float32)
    batches = tf.data.Dataset.from_tensor_slices((rows, inputs)).batch(3)
    hardware = set_up_hardware()
    store_outputs([doubled, squared], batches, lambda x: [x * 2, x[:, 0] ** 2], hardware)
    np.testing.assert_array_equal(doubled, [[0, 2], [2, 4], [4, 6], [6, 8]])
    np.testing.assert_array_equal(squared, [0, 1, 4, 9])


def test_an_array_that_is_no_longer_used_gives_its_memory_back(tmp_path):
    store = ActivationStore(str(tmp_path), budget=100)
    first = store.reserve(5, (8,))
    assert isinstance(store.reserve(5, (8,)), np.memmap)
    view = first[1:]
    del first
    assert isinstance(store.reserve(5, (8,)), np.memmap)  # the view still uses it
    del view
    assert not isinstance(store.reserve(5, (8,)), np.memmap)
