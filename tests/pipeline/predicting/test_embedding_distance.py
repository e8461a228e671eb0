import numpy as np
import pytest

from pipeline.predicting.embedding_distance import (
    MIN_SAMPLE,
    NUM_PERMUTATIONS,
    distances_to_domains,
    embedding_distance,
    permutation_p_value,
)
from trainer_module.export.reference_embeddings import Reference


def sample(rows: int, shift: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (rows, 8)).astype(np.float16)


def test_samples_of_one_distribution_are_close_and_samples_of_two_are_far():
    first = sample(100, 0, 1)
    assert embedding_distance(first, sample(100, 0, 2)) < 0.15
    assert embedding_distance(first, sample(100, 1, 3)) > 0.4
    assert embedding_distance(first, sample(100, 3, 4)) > embedding_distance(
        first, sample(100, 1, 3)
    )


def test_a_shift_is_detected_with_the_smallest_p_value_of_the_permutations():
    assert permutation_p_value(sample(60, 0, 1), sample(40, 0.7, 2)) == pytest.approx(
        1 / (NUM_PERMUTATIONS + 1)
    )


def test_without_a_shift_p_values_are_uniform():
    p_values = [
        permutation_p_value(sample(20, 0, seed), sample(30, 0, seed + 1000)) for seed in range(60)
    ]
    assert np.mean(np.array(p_values) < 0.1) < 0.25
    assert 0.35 < np.mean(p_values) < 0.65


def test_the_same_samples_give_the_same_p_value():
    first, second = sample(20, 0, 1), sample(20, 0.2, 2)
    assert permutation_p_value(first, second) == permutation_p_value(first, second)


def test_a_domain_with_few_pictures_is_no_nearest_one():
    few, many = sample(MIN_SAMPLE - 1, 0, 1), sample(MIN_SAMPLE, 3, 2)
    domains = np.array(["few"] * len(few) + ["many"] * len(many))
    reference = Reference(np.concatenate([few, many]), np.ones(len(domains)), domains)
    assert list(distances_to_domains(sample(MIN_SAMPLE, 0, 3), reference)) == ["many"]
    assert distances_to_domains(sample(MIN_SAMPLE - 1, 0, 3), reference) == {}
