"""The chosen rows are spread over all groups of embeddings, and the model is unsure of them."""

import numpy as np

from pipeline.picture_selection.diverse_rows import choose_diverse, entropies, reduce_dimensions

RNG = np.random.default_rng(3)


def test_every_group_of_embeddings_gives_one_row():
    groups = np.eye(5).repeat([2, 30, 5, 60, 3], axis=0)
    embeddings = (groups + RNG.normal(0, 0.02, groups.shape)).astype(np.float16)
    chosen = choose_diverse(embeddings, np.full((100, 3), 1 / 3, np.float32), 5, seed=1)
    assert sorted(groups[chosen].argmax(axis=1)) == [0, 1, 2, 3, 4]


def test_groups_of_which_the_model_is_unsure_give_more_rows():
    embeddings = RNG.normal(0, 1, (200, 6)).astype(np.float16)
    embeddings[:100, 0] += 5
    embeddings[100:, 1] += 5
    probabilities = np.full((200, 2), 0.5, np.float32)
    probabilities[:100] = [0.999, 0.001]
    chosen = choose_diverse(embeddings, probabilities, 10, seed=1)
    assert (chosen >= 100).sum() >= 8


def test_the_same_seed_gives_the_same_rows_and_another_one_others():
    embeddings = RNG.normal(0, 1, (300, 20)).astype(np.float16)
    probabilities = RNG.dirichlet(np.ones(4), 300).astype(np.float32)
    first, second, other = (
        choose_diverse(embeddings, probabilities, 30, seed).tolist() for seed in (1, 1, 2)
    )
    assert first == second != other
    assert len(set(first)) == 30


def test_equal_embeddings_still_give_as_many_rows_as_are_wanted():
    embeddings = np.ones((10, 4), np.float16)
    probabilities = RNG.dirichlet(np.ones(4), 10).astype(np.float32)
    assert len(set(choose_diverse(embeddings, probabilities, 4, seed=1))) == 4
    assert choose_diverse(embeddings, probabilities, 10, seed=1).tolist() == list(range(10))
    assert choose_diverse(embeddings, probabilities, 0, seed=1).tolist() == []


def test_fewer_dimensions_keep_the_distances():
    plane = RNG.normal(0, 1, (50, 2)) @ RNG.normal(0, 1, (2, 400))
    embeddings = plane.astype(np.float16)
    points = reduce_dimensions(embeddings)
    rows = embeddings.astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    expected = np.linalg.norm(rows[0] - rows, axis=1)
    np.testing.assert_allclose(np.linalg.norm(points[0] - points, axis=1), expected, atol=1e-3)


def test_entropies_are_those_of_the_definition_and_never_zero():
    found = entropies(np.array([[0.5, 0.5], [0.25, 0.75], [1, 0]], np.float32))
    np.testing.assert_allclose(found[:2], [np.log(2), 0.5623351], rtol=1e-5)
    assert 0 < found[2] < 1e-5
    sharper = entropies(np.array([[0.25, 0.75]], np.float32), temperature=0.5)
    np.testing.assert_allclose(sharper, entropies(np.array([[0.1, 0.9]], np.float32)), rtol=1e-5)
