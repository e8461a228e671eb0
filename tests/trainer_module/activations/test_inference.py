import numpy as np
import pytest

from trainer_module.activations.extraction import extract_activations
from trainer_module.activations.inference import embed, predict

pytestmark = pytest.mark.component


def test_outputs_are_in_the_order_of_the_rows(task):
    view = np.arange(1000, dtype=np.float16)[:, np.newaxis]
    rows = np.array([7, 3, *range(300, 600)])
    outputs = predict(lambda batch: batch * 2, view, rows, 1, task)
    assert outputs.dtype == np.float32
    np.testing.assert_array_equal(outputs[:, 0], rows * 2)


def test_embeddings_from_the_boundary_are_those_of_the_whole_backbone(task, splits, classifier):
    activations = extract_activations(splits[1], classifier, "block1", task)
    night = activations.select(activations.domains == "night")
    stored = embed(classifier, night, None, task)
    computed = embed(classifier, night, "block1", task)
    np.testing.assert_allclose(computed, stored, atol=0.02)
    assert len(stored) == 6
