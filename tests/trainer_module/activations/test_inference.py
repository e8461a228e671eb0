import numpy as np
import pytest

from trainer_module.activations.extraction import extract_activations
from trainer_module.activations.inference import _batch_size, create_embedding, embed, predict

pytestmark = pytest.mark.component


def test_outputs_are_in_the_order_of_the_rows(task):
    view = np.arange(1000, dtype=np.float16)[:, np.newaxis]
    rows = np.array([7, 3, *range(300, 600)])
    outputs = predict(lambda batch: batch * 2, view, rows, 1, task)
    assert outputs.dtype == np.float32
    np.testing.assert_array_equal(outputs[:, 0], rows * 2)


@pytest.mark.parametrize(
    ("rows", "replicas", "sizes"),
    [(291, 1, [146, 146]), (256, 1, [256]), (257, 4, [132, 132]), (5, 8, [8]), (1, 1, [1])],
)
def test_batches_are_of_one_size_that_leaves_little_to_fill_up(rows, replicas, sizes):
    size = _batch_size(np.zeros((400, 1), np.float16), rows, replicas)
    assert [size] * -(-rows // size) == sizes


def test_embeddings_from_the_boundary_are_those_of_the_whole_backbone(task, splits, classifier):
    [activations] = extract_activations([splits[1]], classifier, "block1", task)
    night = activations.select(activations.domains == "night")
    stored = embed(classifier, night, None, task)
    computed = embed(classifier, night, "block1", task)
    np.testing.assert_allclose(computed, stored, atol=0.02)
    assert len(stored) == 6
    embed_again = create_embedding(classifier, "block1", task)
    day = activations.select(activations.domains == "day")
    np.testing.assert_array_equal(embed_again(night), computed)
    np.testing.assert_array_equal(embed_again(day), embed(classifier, day, "block1", task))
