import json
import subprocess
import sys
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from repository import ROOT

from trainer_module.data.weighting import balance_of, row_weights
from trainer_module.stages.heads import FeatureRows, Recipe, train_heads
from trainer_module.stages.objectives import (
    Coral,
    EmpiricalRisk,
    GroupDRO,
    create_objective,
    domain_distance,
)
from trainer_module.training_options import ObjectiveOptions

HERE = Path(__file__).parent


@dataclass
class Rows:
    inputs: np.ndarray
    labels: np.ndarray
    domains: np.ndarray


def joined(*parts: Rows) -> Rows:
    """One domain per part."""
    domains = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part.labels) for part in parts])
    inputs = np.concatenate([part.inputs for part in parts]).astype(np.float32)
    return Rows(inputs, np.concatenate([part.labels for part in parts]), domains)


def signs(labels: np.ndarray) -> np.ndarray:
    return 2.0 * labels - 1


def train(rows: Rows, name: str, dim: int = 0, decay: float = 0.0, **options: float):
    """A linear classifier, or one with a hidden linear layer of `dim` features."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((rows.inputs.shape[1],))
    features = keras.layers.Dense(dim)(inputs) if dim else inputs
    model = keras.Model(inputs, [features, keras.layers.Dense(2)(features)])
    objective = create_objective(
        ObjectiveOptions(name=name, **options), int(rows.domains.max()) + 1
    )
    weights = row_weights(rows.labels, rows.domains, balance_of(name, "none"))
    optimizer = keras.optimizers.Adam(0.02)
    optimizer.build(model.trainable_variables)
    columns = (rows.inputs, rows.labels, weights, rows.domains)
    batches = tf.data.Dataset.from_tensor_slices(columns).shuffle(len(rows.labels), seed=5)

    @tf.function
    def step(values, labels, weight, domain):
        with tf.GradientTape() as tape:
            seen, logits = model(values, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            kernels = [v for v in model.trainable_variables if len(v.shape) == 2]
            penalty = tf.add_n([tf.reduce_sum(tf.square(kernel)) for kernel in kernels])
            loss = objective(losses, weight, seen, domain) + decay * penalty / 2
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)

    for batch in batches.repeat().batch(64).take(400):
        step(*batch)
    return model, objective


def accuracy(model: keras.Model, rows: Rows) -> float:
    return float((model(rows.inputs)[1].numpy().argmax(axis=1) == rows.labels).mean())


# What the objectives are, against NumPy.


def batch(rows: int = 24, domains: int = 3, seed: int = 1):
    random = np.random.default_rng(seed)
    losses = random.uniform(0.1, 2, (rows, 2)).astype(np.float32)
    weights = random.uniform(0.5, 1.5, rows).astype(np.float32)
    features = random.normal(size=(rows, 5)).astype(np.float32)
    return losses, weights, features, random.integers(0, domains, rows).astype(np.int32)


def test_empirical_risk_is_the_weighted_mean_summed_over_heads():
    losses, weights, features, domains = batch()
    expected = (losses * weights[:, None]).mean(axis=0).sum()
    assert float(EmpiricalRisk()(losses, weights, features, domains)) == pytest.approx(expected)
    one_head = EmpiricalRisk()(losses[:, 0], weights, features, domains)
    assert float(one_head) == pytest.approx((losses[:, 0] * weights).mean())


def domain_means(losses, weights, domains):
    """Weighted mean losses [domains, heads]."""
    chosen = [domains == domain for domain in range(3)]
    return np.array([np.average(losses[c], axis=0, weights=weights[c]) for c in chosen])


def test_group_dro_is_algorithm_1_for_every_head():
    losses, weights, features, domains = batch()
    objective = GroupDRO(3, step=0.5)
    shares = np.full((3, 2), 1 / 3)
    for factor in (1.0, 3.0):
        means = domain_means(losses * factor, weights, domains)
        shares = shares * np.exp(0.5 * means)
        shares /= shares.sum(axis=0)
        value = objective(losses * factor, weights, features, domains)
        assert float(value) == pytest.approx((shares * means).sum(), rel=1e-5)
    np.testing.assert_allclose(objective.shares, shares, rtol=1e-5)


def test_a_row_pulls_by_its_part_of_its_domain_times_the_share():
    losses, weights, features, domains = batch()
    objective, watched = GroupDRO(3, step=0.5), tf.constant(losses)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        value = objective(watched, weights, features, domains)
    totals = np.bincount(domains, weights)
    expected = objective.shares.numpy()[domains] * (weights / totals[domains])[:, None]
    np.testing.assert_allclose(tape.gradient(value, watched), expected, rtol=1e-5)


def test_domains_that_are_absent_or_without_weight_keep_their_share():
    objective = GroupDRO(4, step=1.0)
    losses, domains = np.array([1.0, 2.0, 9.0], np.float32), np.array([0, 1, 2], np.int32)
    weights = np.array([1, 1, 0], np.float32)
    objective(losses, weights, np.zeros((3, 1)), domains)
    shares = objective.shares.numpy()
    assert shares[2:].tolist() == [0.25, 0.25]
    assert shares[:2] == pytest.approx(0.5 * np.exp([1, 2]) / np.exp([1, 2]).sum(), rel=1e-5)


def test_a_rare_domain_with_high_losses_gains_although_it_is_seldom_seen():
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


def distance_by_pairs(features: np.ndarray, domains: np.ndarray) -> float:
    groups = [features[domains == domain] for domain in np.unique(domains)]
    groups = [group for group in groups if len(group) >= 2]
    distances = [
        np.square(one.mean(axis=0) - other.mean(axis=0)).mean()
        + np.square(np.cov(one.T) - np.cov(other.T)).mean()
        for one, other in combinations(groups, 2)
    ]
    return float(np.mean(distances))


def test_the_distance_of_domains_is_the_mean_over_pairs():
    features = batch(40)[2] * np.linspace(1, 3, 40)[:, None] + 4
    domains = np.repeat(np.array([0, 2, 3, 5], np.int32), [10, 20, 9, 1])
    expected = distance_by_pairs(features, domains)
    assert float(domain_distance(features, domains, 7)) == pytest.approx(expected, rel=1e-4)


def test_the_distance_is_computed_in_float32_from_bfloat16():
    features = tf.cast(batch(64)[2] * 30, tf.bfloat16)
    domains = np.arange(64, dtype=np.int32) % 2
    distance = domain_distance(features, domains, 2)
    expected = distance_by_pairs(tf.cast(features, tf.float64).numpy(), domains)
    assert distance.dtype == tf.float32
    assert float(distance) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("domains", [[0, 0, 0, 0], [0, 1, 2, 3], [2, 2, 2, 1]])
def test_without_a_pair_of_domains_there_is_no_distance_and_no_gradient(domains):
    features = tf.constant(batch(4)[2])
    with tf.GradientTape() as tape:
        tape.watch(features)
        distance = domain_distance(features, np.array(domains, np.int32), 4)
    assert float(distance) == 0
    np.testing.assert_array_equal(tape.gradient(distance, features), np.zeros((4, 5)))


def test_the_gradient_of_the_distance_is_its_slope():
    features, domains = batch(12)[2].astype(np.float32), np.arange(12, dtype=np.int32) % 3
    watched, direction = tf.constant(features), batch(12, seed=2)[2] * 1e-2
    with tf.GradientTape() as tape:
        tape.watch(watched)
        distance = domain_distance(watched, domains, 3)
    slope = (tape.gradient(distance, watched).numpy() * direction).sum()
    ahead, behind = (distance_by_pairs(features + s * direction, domains) for s in (1, -1))
    assert slope == pytest.approx((ahead - behind) / 2, rel=1e-2)


def test_coral_adds_the_weighted_distance_once():
    losses, weights, features, domains = batch()
    risk = EmpiricalRisk()(losses, weights, features, domains)
    expected = float(risk) + 0.5 * distance_by_pairs(features, domains)
    assert float(Coral(3, 0.5)(losses, weights, features, domains)) == pytest.approx(expected, 1e-4)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("erm", EmpiricalRisk), ("balanced", EmpiricalRisk), ("group_dro", GroupDRO)],
)
def test_the_options_name_the_objective(name, kind):
    assert type(create_objective(ObjectiveOptions(name=name), 2)) is kind


def test_the_options_carry_step_and_weight():
    slow = create_objective(ObjectiveOptions(name="group_dro", group_dro_step=0.5), 3)
    values = batch()
    slow(*values)
    other = GroupDRO(3, 0.5)
    other(*values)
    np.testing.assert_array_equal(slow.shares, other.shares)
    coral = create_objective(ObjectiveOptions(name="coral", coral_weight=0.5), 3)
    assert float(coral(*values)) == float(Coral(3, 0.5)(*values))


# What each objective is for.


def one_feature(shift: float, counts: tuple[int, int], seed: int) -> Rows:
    """The boundary between the classes lies at `shift`."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.array([0, 1], np.int32), counts)
    values = random.normal(signs(labels) + shift, 0.7)[:, None].astype(np.float32)
    return Rows(values, labels, labels * 0)


def test_balanced_lifts_a_rare_domain():
    learn = joined(one_feature(0, (500, 500), 1), one_feature(1.5, (25, 25), 2))
    common, rare = one_feature(0, (1000, 1000), 3), one_feature(1.5, (1000, 1000), 4)
    usual, balanced = (train(learn, name)[0] for name in ("erm", "balanced"))
    assert accuracy(balanced, rare) > accuracy(usual, rare) + 0.1
    assert accuracy(balanced, rare) + accuracy(balanced, common) > 1.6


def test_balanced_lifts_a_rare_class():
    learn, held = one_feature(0, (970, 30), 1), one_feature(0, (0, 1000), 2)
    usual, balanced = (accuracy(train(learn, name)[0], held) for name in ("erm", "balanced"))
    assert balanced > usual + 0.3


def spurious(agree: bool, count: int, seed: int) -> Rows:
    """A noisy feature that is always right, and a clear one that is right where `agree`."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count).astype(np.int32)
    core = random.normal(signs(labels), 0.8)
    shortcut = random.normal(signs(labels) if agree else -signs(labels), 0.3)
    return Rows(np.stack([core, shortcut], axis=1).astype(np.float32), labels, labels * 0)


def worst(model: keras.Model) -> float:
    return min(accuracy(model, spurious(agree, 2000, seed=20)) for agree in (True, False))


def test_group_dro_lifts_a_rare_domain_in_which_a_shortcut_misleads():
    learn = joined(spurious(True, 950, 1), spurious(False, 50, 2))
    usual, robust = (train(learn, name, decay=1e-2)[0] for name in ("erm", "group_dro"))
    assert worst(robust) > worst(usual) + 0.3


def test_group_dro_lifts_the_worst_of_domains_of_the_same_size():
    """Here balancing would change nothing: the shares have to move."""
    learn = joined(*(spurious(number < 5, 200, number) for number in range(6)))
    usual = train(learn, "erm", decay=1e-2)[0]
    robust, objective = train(learn, "group_dro", decay=1e-2, group_dro_step=0.03)
    assert worst(robust) > worst(usual) + 0.1
    assert objective.shares.numpy().argmax() == 5
    assert objective.shares.numpy().max() > 2 / 6


def nuisances(scale: float, count: int, seed: int) -> Rows:
    """One feature tells the class; 30 say nothing, and vary by `scale`."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count).astype(np.int32)
    core = random.normal(signs(labels), 0.6)[:, None]
    noise = random.normal(0, scale, (count, 30))
    return Rows(np.concatenate([core, noise], axis=1).astype(np.float32), labels, labels * 0)


def covariance_distance(model: keras.Model, rows: Rows) -> float:
    """Of two domains, features scaled to a mean variance of one: shrinking them is no help."""
    features = model(rows.inputs)[0].numpy()
    features = features / np.sqrt(features.var(axis=0).mean())
    one, other = (np.cov(features[rows.domains == domain].T) for domain in (0, 1))
    return float(np.square(one - other).mean())


def test_coral_aligns_covariances_and_so_serves_a_domain_it_has_not_seen():
    distances, accuracies = [], []
    for seed in (1, 11, 21):
        learn = joined(nuisances(0.5, 60, seed), nuisances(2, 60, seed + 1))
        seen = joined(nuisances(0.5, 1000, seed + 3), nuisances(2, 1000, seed + 4))
        unseen = nuisances(4, 2000, seed + 2)
        # The decay with which empirical risk does best in the domain that it has not seen.
        models = [train(learn, name, dim=4, decay=0.1)[0] for name in ("erm", "coral")]
        distances.append([covariance_distance(model, seen) for model in models])
        accuracies.append([accuracy(model, unseen) for model in models])
    usual, aligned = np.mean(distances, axis=0)
    assert aligned < 0.7 * usual
    usual, aligned = np.mean(accuracies, axis=0)
    assert aligned > usual + 0.03


def test_heads_side_by_side_have_shares_of_their_own():
    rows = joined(spurious(True, 190, 1), spurious(False, 10, 2))
    data = FeatureRows(rows.inputs, rows.labels, np.ones(200, np.float32), rows.domains)
    objective, start = GroupDRO(2, step=0.1), (np.zeros((2, 2)), np.zeros(2))
    recipes = [Recipe(0.0, 0.0), Recipe(1.0, 0.0)]
    options = {"recipes": recipes, "objective": objective, "learning_rate": 0.1, "epochs": 20}
    train_heads(data, data, lambda _: 0.0, start, patience=20, **options)
    assert objective.shares.shape == (2, 2)
    np.testing.assert_allclose(tf.reduce_sum(objective.shares, axis=0), [1, 1], rtol=1e-5)
    assert abs(objective.shares[1, 0] - objective.shares[1, 1]) > 0.01


# Several replicas. Devices can only be divided before TensorFlow starts, so in another process.


def trained(strategy: tf.distribute.Strategy, name: str) -> dict:
    """Two steps of a linear model in a loop within one TensorFlow function."""
    with strategy.scope():
        kernel = keras.Variable(np.ones((5, 2)), dtype="float32")
        objective = create_objective(ObjectiveOptions(name=name, group_dro_step=0.5), 3)
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build([kernel])

    def step(losses, weights, features, domains):
        with tf.GradientTape() as tape:
            outputs = tf.matmul(features, kernel)
            value = objective(losses * tf.square(outputs), weights, outputs, domains)
        optimizer.apply(tape.gradient(value, [kernel.value]), [kernel])
        return value

    @tf.function
    def epoch():
        total = 0.0
        for rows in batches:
            values = strategy.run(step, args=rows)
            total += strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)
        return total

    rows = tf.data.Dataset.from_tensor_slices(batch(48)).batch(24)
    batches = strategy.experimental_distribute_dataset(rows)
    found = {"value": float(epoch()), "kernel": kernel.numpy().tolist()}
    if isinstance(objective, GroupDRO):
        found["shares"] = objective.shares.numpy().tolist()
    return found


def coral_of_halves(strategy: tf.distribute.Strategy) -> dict:
    """The objective on two replicas, and the mean of what their rows give alone."""
    objective, rows = Coral(3), batch(24)
    batches = tf.data.Dataset.from_tensor_slices(rows).batch(24)
    (whole,) = strategy.experimental_distribute_dataset(batches)
    values = tf.function(lambda: strategy.run(objective, args=whole))()
    alone = [objective(*(column[half] for column in rows)) for half in (slice(12), slice(12, 24))]
    together = strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)
    return {"together": float(together), "mean": float(tf.reduce_mean(alone))}


def print_replicas() -> None:
    """Results of one device and of two; runs in a process of its own."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    one, two = tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
    found = {name: [trained(one, name), trained(two, name)] for name in ("erm", "group_dro")}
    print(
        json.dumps({**found, "replicas": two.num_replicas_in_sync, "coral": coral_of_halves(two)})
    )


@pytest.fixture(scope="module")
def replicas() -> dict:
    command = [sys.executable, "-c", "import test_objectives as t; t.print_replicas()"]
    paths = {"PYTHONPATH": f"{ROOT}:{HERE}", "PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=paths, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["replicas"] == 2
    return found


@pytest.mark.parametrize(
    ("name", "figures"),
    [("erm", ["value", "kernel"]), ("group_dro", ["value", "kernel", "shares"])],
)
def test_two_replicas_learn_what_one_device_learns(replicas, name, figures):
    one, two = replicas[name]
    assert list(one) == figures
    for figure in figures:
        np.testing.assert_allclose(two[figure], one[figure], rtol=1e-5)


def test_coral_is_averaged_over_replicas(replicas):
    assert replicas["coral"]["together"] == pytest.approx(replicas["coral"]["mean"], rel=1e-5)
