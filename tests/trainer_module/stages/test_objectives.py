import json
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
import tensorflow as tf
from objective_replicas import random_batch
from repository import HELPERS, ROOT

from trainer_module.stages.objectives import (
    Coral,
    EmpiricalRisk,
    GroupDRO,
    create_objective,
    domain_distance,
)
from trainer_module.training_options import ObjectiveOptions

pytestmark = pytest.mark.component


def test_empirical_risk_is_the_weighted_mean_summed_over_heads():
    losses, weights, embeddings, domains = random_batch()
    expected = (losses * weights[:, None]).mean(axis=0).sum()
    assert float(EmpiricalRisk()(losses, weights, embeddings, domains)) == pytest.approx(expected)
    one_head = EmpiricalRisk()(losses[:, 0], weights, embeddings, domains)
    assert float(one_head) == pytest.approx((losses[:, 0] * weights).mean())


def mean_losses(losses, weights, domains) -> np.ndarray:
    """Return weighted mean losses [domains, heads]."""
    chosen = [domains == domain for domain in range(3)]
    return np.array([np.average(losses[c], axis=0, weights=weights[c]) for c in chosen])


def test_group_dro_is_algorithm_1_for_every_head():
    losses, weights, embeddings, domains = random_batch()
    objective = GroupDRO(3, step=0.5)
    shares = np.full((3, 2), 1 / 3)
    for factor in (1.0, 3.0):
        means = mean_losses(losses * factor, weights, domains)
        shares = shares * np.exp(0.5 * means)
        shares /= shares.sum(axis=0)
        value = objective(losses * factor, weights, embeddings, domains)
        assert float(value) == pytest.approx((shares * means).sum(), rel=1e-5)
    np.testing.assert_allclose(objective.shares, shares, rtol=1e-5)


def test_the_gradient_of_a_row_is_its_part_of_its_domain_times_the_share():
    losses, weights, embeddings, domains = random_batch()
    objective, watched = GroupDRO(3, step=0.5), tf.constant(losses)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        value = objective(watched, weights, embeddings, domains)
    totals = np.bincount(domains, weights)
    expected = objective.shares.numpy()[domains] * (weights / totals[domains])[:, None]
    np.testing.assert_allclose(tape.gradient(value, watched), expected, rtol=1e-5)


def test_absent_domains_and_domains_without_weight_keep_their_share():
    objective = GroupDRO(4, step=1.0)
    losses, domains = np.array([1.0, 2.0, 9.0], np.float32), np.array([0, 1, 2], np.int32)
    weights = np.array([1, 1, 0], np.float32)
    objective(losses, weights, np.zeros((3, 1)), domains)
    shares = objective.shares.numpy()
    assert shares[2:].tolist() == [0.25, 0.25]
    assert shares[:2] == pytest.approx(0.5 * np.exp([1, 2]) / np.exp([1, 2]).sum(), rel=1e-5)


def test_a_rare_domain_with_high_losses_gains_share():
    objective = GroupDRO(3, step=0.1)
    for number in range(50):
        domains = np.array([0, 1, 2] if number % 10 == 0 else [0, 1], np.int32)
        losses = np.array([1.0, 1.0, 3.0], np.float32)[domains]
        objective(losses, np.ones(len(domains), np.float32), np.zeros((len(domains), 1)), domains)
    shares = objective.shares.numpy()
    assert shares[2] > 0.5
    assert shares.sum() == pytest.approx(1, abs=1e-6)


def test_shares_stay_finite_when_losses_are_huge():
    objective = GroupDRO(2, step=1.0)
    losses, ones = np.array([1e4, 2e4], np.float32), np.ones(2, np.float32)
    value = objective(losses, ones, np.zeros((2, 1)), np.array([0, 1], np.int32))
    assert float(value) == 2e4
    assert objective.shares.numpy().tolist() == [0, 1]


def distance_by_pairs(embeddings: np.ndarray, domains: np.ndarray) -> float:
    groups = [embeddings[domains == domain] for domain in np.unique(domains)]
    groups = [group for group in groups if len(group) >= 2]
    distances = [
        np.square(one.mean(axis=0) - other.mean(axis=0)).mean()
        + np.square(np.cov(one.T) - np.cov(other.T)).mean()
        for one, other in combinations(groups, 2)
    ]
    return float(np.mean(distances))


def test_the_domain_distance_is_the_mean_over_pairs():
    embeddings = random_batch(40)[2] * np.linspace(1, 3, 40)[:, None] + 4
    domains = np.repeat(np.array([0, 2, 3, 5], np.int32), [10, 20, 9, 1])
    expected = distance_by_pairs(embeddings, domains)
    assert float(domain_distance(embeddings, domains, 7)) == pytest.approx(expected, rel=1e-4)


def test_the_distance_is_computed_in_float32_from_bfloat16():
    embeddings = tf.cast(random_batch(64)[2] * 30, tf.bfloat16)
    domains = np.arange(64, dtype=np.int32) % 2
    distance = domain_distance(embeddings, domains, 2)
    expected = distance_by_pairs(tf.cast(embeddings, tf.float64).numpy(), domains)
    assert distance.dtype == tf.float32
    assert float(distance) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("domains", [[0, 0, 0, 0], [0, 1, 2, 3], [2, 2, 2, 1]])
def test_without_a_pair_of_domains_distance_and_gradient_are_zero(domains):
    embeddings = tf.constant(random_batch(4)[2])
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        distance = domain_distance(embeddings, np.array(domains, np.int32), 4)
    assert float(distance) == 0
    np.testing.assert_array_equal(tape.gradient(distance, embeddings), np.zeros((4, 5)))


def test_the_gradient_of_the_distance_matches_finite_differences():
    embeddings, domains = random_batch(12)[2].astype(np.float32), np.arange(12, dtype=np.int32) % 3
    watched, direction = tf.constant(embeddings), random_batch(12, seed=2)[2] * 1e-2
    with tf.GradientTape() as tape:
        tape.watch(watched)
        distance = domain_distance(watched, domains, 3)
    slope = (tape.gradient(distance, watched).numpy() * direction).sum()
    ahead, behind = (distance_by_pairs(embeddings + s * direction, domains) for s in (1, -1))
    assert slope == pytest.approx((ahead - behind) / 2, rel=1e-2)


def test_coral_adds_the_weighted_distance_once():
    losses, weights, embeddings, domains = random_batch()
    risk = EmpiricalRisk()(losses, weights, embeddings, domains)
    expected = float(risk) + 0.5 * distance_by_pairs(embeddings, domains)
    assert float(Coral(3, 0.5)(losses, weights, embeddings, domains)) == pytest.approx(
        expected, 1e-4
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [("erm", EmpiricalRisk), ("balanced", EmpiricalRisk), ("group_dro", GroupDRO)],
)
def test_the_options_name_the_objective(name, kind):
    assert type(create_objective(ObjectiveOptions(name=name), 2)) is kind


def test_the_options_carry_step_and_weight():
    group_dro = create_objective(ObjectiveOptions(name="group_dro", group_dro_step=0.5), 3)
    values = random_batch()
    group_dro(*values)
    other = GroupDRO(3, 0.5)
    other(*values)
    np.testing.assert_array_equal(group_dro.shares, other.shares)
    coral = create_objective(ObjectiveOptions(name="coral", coral_weight=0.5), 3)
    assert float(coral(*values)) == float(Coral(3, 0.5)(*values))


@pytest.fixture(scope="module")
def replicas() -> dict:
    command = [sys.executable, str(HELPERS / "objective_replicas.py")]
    paths = {"PYTHONPATH": str(ROOT), "PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=paths, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    results = json.loads(done.stdout.splitlines()[-1])
    assert results["replicas"] == 2
    return results


@pytest.mark.parametrize(
    ("name", "values"),
    [("erm", ["value", "kernel"]), ("group_dro", ["value", "kernel", "shares"])],
)
def test_two_replicas_learn_what_one_device_learns(replicas, name, values):
    one, two = replicas[name]
    assert list(one) == values
    for value in values:
        np.testing.assert_allclose(two[value], one[value], rtol=1e-5)


def test_coral_is_averaged_over_replicas(replicas):
    assert replicas["coral"]["total"] == pytest.approx(replicas["coral"]["mean"], rel=1e-5)
