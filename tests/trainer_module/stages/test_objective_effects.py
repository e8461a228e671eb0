"""What each objective is for: trainings of linear models in which it must make a difference."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer_module.data.weighting import effective_balance, row_weights
from trainer_module.stages.head_search import search_head
from trainer_module.stages.linear_heads import LabelledEmbeddings, Recipe
from trainer_module.stages.objectives import GroupDRO, Objective, create_objective
from trainer_module.training_options import ObjectiveOptions

pytestmark = pytest.mark.component


@dataclass
class Rows:
    inputs: np.ndarray
    labels: np.ndarray
    domains: np.ndarray


def domains_of(*parts: Rows) -> Rows:
    """Return the rows of all parts, one domain per part."""
    domains = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part.labels) for part in parts])
    inputs = np.concatenate([part.inputs for part in parts]).astype(np.float32)
    return Rows(inputs, np.concatenate([part.labels for part in parts]), domains)


def signs(labels: np.ndarray) -> np.ndarray:
    return 2.0 * labels - 1


def train(
    rows: Rows, name: str, dim: int = 0, decay: float = 0.0, **options: float
) -> tuple[keras.Model, Objective]:
    """Train a linear classifier, or one with a hidden linear layer of `dim` embeddings."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((rows.inputs.shape[1],))
    embeddings = keras.layers.Dense(dim)(inputs) if dim else inputs
    model = keras.Model(inputs, [embeddings, keras.layers.Dense(2)(embeddings)])
    objective = create_objective(
        ObjectiveOptions(name=name, **options), int(rows.domains.max()) + 1
    )
    weights = row_weights(rows.labels, rows.domains, effective_balance(name, "none"))
    optimizer = keras.optimizers.Adam(0.02)
    optimizer.build(model.trainable_variables)
    columns = (rows.inputs, rows.labels, weights, rows.domains)
    batches = tf.data.Dataset.from_tensor_slices(columns).shuffle(len(rows.labels), seed=5)

    @tf.function
    def step(values, labels, weight, domain):
        with tf.GradientTape() as tape:
            embeddings, logits = model(values, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            kernels = [v for v in model.trainable_variables if len(v.shape) == 2]
            penalty = tf.add_n([tf.reduce_sum(tf.square(kernel)) for kernel in kernels])
            loss = objective(losses, weight, embeddings, domain) + decay * penalty / 2
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)

    for batch in batches.repeat().batch(64).take(400):
        step(*batch)
    return model, objective


def accuracy(model: keras.Model, rows: Rows) -> float:
    return float((model(rows.inputs)[1].numpy().argmax(axis=1) == rows.labels).mean())


def one_feature(shift: float, counts: tuple[int, int], seed: int) -> Rows:
    """Return rows whose classes are separated at `shift`."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.array([0, 1], np.int32), counts)
    values = random.normal(signs(labels) + shift, 0.7)[:, None].astype(np.float32)
    return Rows(values, labels, labels * 0)


def test_balanced_improves_a_rare_domain():
    train_rows = domains_of(one_feature(0, (500, 500), 1), one_feature(1.5, (25, 25), 2))
    common, rare = one_feature(0, (1000, 1000), 3), one_feature(1.5, (1000, 1000), 4)
    plain, balanced = (train(train_rows, name)[0] for name in ("erm", "balanced"))
    assert accuracy(balanced, rare) > accuracy(plain, rare) + 0.1
    assert accuracy(balanced, rare) + accuracy(balanced, common) > 1.6


def test_balanced_improves_a_rare_class():
    train_rows, test_rows = one_feature(0, (970, 30), 1), one_feature(0, (0, 1000), 2)
    plain, balanced = (
        accuracy(train(train_rows, name)[0], test_rows) for name in ("erm", "balanced")
    )
    assert balanced > plain + 0.3


def spurious(agree: bool, count: int, seed: int) -> Rows:
    """Return a noisy feature of the class, and a clear one that is misleading unless `agree`."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count).astype(np.int32)
    core = random.normal(signs(labels), 0.8)
    shortcut = random.normal(signs(labels) if agree else -signs(labels), 0.3)
    return Rows(np.stack([core, shortcut], axis=1).astype(np.float32), labels, labels * 0)


def worst_accuracy(model: keras.Model) -> float:
    return min(accuracy(model, spurious(agree, 2000, seed=20)) for agree in (True, False))


def test_group_dro_improves_a_rare_domain_in_which_a_shortcut_misleads():
    train_rows = domains_of(spurious(True, 950, 1), spurious(False, 50, 2))
    plain, robust = (train(train_rows, name, decay=1e-2)[0] for name in ("erm", "group_dro"))
    assert worst_accuracy(robust) > worst_accuracy(plain) + 0.3


def test_group_dro_improves_the_worst_of_domains_of_the_same_size():
    """Balancing has no effect on domains of the same size: the shares must change."""
    train_rows = domains_of(*(spurious(number < 5, 200, number) for number in range(6)))
    plain = train(train_rows, "erm", decay=1e-2)[0]
    robust, objective = train(train_rows, "group_dro", decay=1e-2, group_dro_step=0.03)
    assert worst_accuracy(robust) > worst_accuracy(plain) + 0.1
    assert objective.shares.numpy().argmax() == 5
    assert objective.shares.numpy().max() > 2 / 6


def nuisances(scale: float, count: int, seed: int) -> Rows:
    """Return rows with one informative feature and 30 features of noise with a scale."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count).astype(np.int32)
    core = random.normal(signs(labels), 0.6)[:, None]
    noise = random.normal(0, scale, (count, 30))
    return Rows(np.concatenate([core, noise], axis=1).astype(np.float32), labels, labels * 0)


def covariance_distance(model: keras.Model, rows: Rows) -> float:
    """Return the distance of two domains, for embeddings scaled to a mean variance of one."""
    embeddings = model(rows.inputs)[0].numpy()
    embeddings = embeddings / np.sqrt(embeddings.var(axis=0).mean())
    one, other = (np.cov(embeddings[rows.domains == domain].T) for domain in (0, 1))
    return float(np.square(one - other).mean())


def test_coral_aligns_covariances_and_improves_an_unseen_domain():
    distances, accuracies = [], []
    for seed in (1, 11, 21):
        train_rows = domains_of(nuisances(0.5, 60, seed), nuisances(2, 60, seed + 1))
        seen = domains_of(nuisances(0.5, 1000, seed + 3), nuisances(2, 1000, seed + 4))
        unseen = nuisances(4, 2000, seed + 2)
        # The weight decay at which empirical risk is best in the unseen domain.
        models = [train(train_rows, name, dim=4, decay=0.1)[0] for name in ("erm", "coral")]
        distances.append([covariance_distance(model, seen) for model in models])
        accuracies.append([accuracy(model, unseen) for model in models])
    plain, aligned = np.mean(distances, axis=0)
    assert aligned < 0.7 * plain
    plain, aligned = np.mean(accuracies, axis=0)
    assert aligned > plain + 0.03


def test_heads_side_by_side_have_shares_of_their_own():
    rows = domains_of(spurious(True, 190, 1), spurious(False, 10, 2))
    data = LabelledEmbeddings(rows.inputs, rows.labels, np.ones(200, np.float32), rows.domains)
    objective, start = GroupDRO(2, step=0.1), (np.zeros((2, 2)), np.zeros(2))
    recipes = [Recipe(0.0, 0.0), Recipe(1.0, 0.0)]
    options = {"recipes": recipes, "objective": objective, "learning_rate": 0.1, "epochs": 20}
    search_head(data, data, lambda _: 0.0, start, patience=20, **options)
    assert objective.shares.shape == (2, 2)
    np.testing.assert_allclose(tf.reduce_sum(objective.shares, axis=0), [1, 1], rtol=1e-5)
    assert abs(objective.shares[1, 0] - objective.shares[1, 1]) > 0.01
