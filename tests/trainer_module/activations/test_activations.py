from dataclasses import replace

import numpy as np
import pytest

from trainer_module.activations.extraction import extract_activations

pytestmark = pytest.mark.component


def test_a_selection_shares_the_arrays(task, splits, classifier):
    [activations] = extract_activations([splits[1]], classifier, None, task)
    night = activations.select(activations.domains == "night")
    assert night.embeddings is activations.embeddings
    assert set(night.domains) == {"night"}
    np.testing.assert_array_equal(night.rows, np.flatnonzero(splits[1].domains == "night"))


def test_an_epoch_draws_as_many_rows_as_the_larger_of_new_and_other_rows(task, splits, classifier):
    [activations] = extract_activations([splits[1]], classifier, None, task)
    assert activations.rows_per_epoch() == len(activations) == 12
    is_new = np.arange(12) < 3
    assert replace(activations, is_new=is_new).rows_per_epoch() == 9
