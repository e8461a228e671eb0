import numpy as np
import pytest
import tensorflow as tf

from trainer_module.stages import heads
from trainer_module.stages.heads import FeatureRows, Recipe, recipe_grid, train_heads, weighted_mean

PLAIN = Recipe(0.0, 0.0)
CLASSES = 3


def rows(count: int = 60, seed: int = 1) -> FeatureRows:
    """Classes lie 5 apart on one axis each; domain 1 is shifted."""
    random = np.random.default_rng(seed)
    targets = np.arange(count, dtype=np.int32) % CLASSES
    domains = (np.arange(count, dtype=np.int32) // CLASSES) % 2
    features = random.normal(size=(count, 4)) + 5 * np.eye(CLASSES, 4)[targets] + domains[:, None]
    return FeatureRows(
        features.astype(np.float16), targets, np.ones(count, np.float32), domains.astype(np.int32)
    )


def zeros() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((4, CLASSES), np.float32), np.zeros(CLASSES, np.float32)


def accuracy(data: FeatureRows):
    return lambda answers: float((answers == data.targets).mean())


def train(data: FeatureRows, evaluation: FeatureRows | None = None, start=None, **options):
    evaluation = evaluation or rows(30, seed=2)
    options = {"learning_rate": 0.05, "batch_size": 16, "epochs": 20, "recipes": [PLAIN]} | options
    return train_heads(data, evaluation, accuracy(evaluation), start or zeros(), **options)


def test_the_grid_starts_with_every_smoothing_of_the_first_strength():
    grid = recipe_grid((0.0, 0.01), (0.0, 0.1))
    assert grid == (Recipe(0.0, 0.0), Recipe(0.0, 0.1), Recipe(0.01, 0.0), Recipe(0.01, 0.1))


def test_the_head_works_on_features_as_they_came():
    data, evaluation = rows(), rows(30, seed=2)
    large = FeatureRows(evaluation.features * 100, *_rest(evaluation))
    head = train(FeatureRows(data.features * 100, *_rest(data)), large)
    answers = (large.features.astype(np.float32) @ head.kernel + head.bias).argmax(axis=1)
    assert (answers == evaluation.targets).mean() == head.score == 1.0
    np.testing.assert_allclose(head.kernel * 100, train(data).kernel, rtol=2e-2, atol=2e-3)


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    first, second = train(rows(), seed=3), train(rows(), seed=3)
    np.testing.assert_array_equal(first.kernel, second.kernel)
    np.testing.assert_array_equal(first.bias, second.bias)
    assert first.curve == second.curve
    assert (train(rows(), seed=4).kernel != first.kernel).any()


def test_heads_side_by_side_are_those_trained_alone():
    recipes = [Recipe(0.0, 0.0), Recipe(0.1, 0.0), Recipe(0.1, 0.2)]
    alone = [train(rows(), recipes=[recipe], epochs=1) for recipe in recipes]
    together = train(rows(), recipes=recipes, epochs=1)
    same = alone[recipes.index(together.recipe)]
    np.testing.assert_allclose(together.kernel, same.kernel, rtol=1e-4, atol=1e-6)
    losses = [head.evaluation_loss for head in alone]
    assert together.evaluation_loss == pytest.approx(min(losses), rel=1e-4)
    assert together.curve[0].evaluation_loss == pytest.approx(np.mean(losses), rel=1e-4)


def test_the_recipe_that_scores_best_wins():
    answers = []

    def only_the_second(predictions: np.ndarray) -> float:
        answers.append(predictions)
        return float(len(answers) % 2 == 0)

    data = rows()
    recipes = [Recipe(0.0, 0.0), Recipe(0.1, 0.0)]
    head = train_heads(data, data, only_the_second, zeros(), recipes=recipes, epochs=3)
    assert head.recipe == recipes[1]
    assert head.score == 1.0
    assert [epoch.mean_score for epoch in head.curve] == [0.5, 0.5, 0.5]
    assert answers[0].shape == (60,)


def test_training_stops_after_epochs_without_improvement_and_a_tie_goes_to_the_lower_loss():
    data = rows()
    head = train_heads(data, data, lambda _: 0.5, zeros(), recipes=[PLAIN], patience=4, epochs=50)
    losses = [epoch.evaluation_loss for epoch in head.curve]
    assert head.epochs == 5
    assert head.epoch == 1 + int(np.argmin(losses)) == 5
    assert head.evaluation_loss == losses[-1]


def test_the_penalty_keeps_the_kernel_small():
    free = train(rows(), recipes=[Recipe(0.0, 0.0)], epochs=20, patience=20)
    held = train(rows(), recipes=[Recipe(1.0, 0.0)], epochs=20, patience=20)
    assert np.abs(held.kernel).sum() < 0.5 * np.abs(free.kernel).sum()


def test_smoothing_is_part_of_the_loss():
    losses = heads._cross_entropy(
        tf.constant([[[2.0, 0.0, 0.0]] * 2]), tf.constant([0]), tf.constant([0.0, 0.3])
    )
    probability = np.exp(2) / (np.exp(2) + 2)
    other = 1 / (np.exp(2) + 2)
    smoothed = -0.8 * np.log(probability) - 0.2 * np.log(other)
    np.testing.assert_allclose(losses, [[-np.log(probability), smoothed]], rtol=1e-5)


def test_training_goes_on_from_the_head_it_starts_with():
    trained = train(rows())
    again = train(rows(), start=(trained.kernel, trained.bias), learning_rate=1e-9, epochs=1)
    np.testing.assert_allclose(again.kernel, trained.kernel, atol=1e-5)
    assert again.score == trained.score


def test_unknown_targets_and_rows_without_weight_teach_nothing():
    data = rows()
    wrong, unknown, weights = data.targets.copy(), data.targets.copy(), data.weights.copy()
    wrong[:20] = (wrong[:20] + 1) % CLASSES
    unknown[:20] = -1
    weights[:20] = 0
    misled = train(FeatureRows(data.features, wrong, data.weights, data.domains))
    ignored = train(FeatureRows(data.features, wrong, weights, data.domains))
    left_out = train(FeatureRows(data.features, unknown, data.weights, data.domains))
    np.testing.assert_array_equal(ignored.kernel, left_out.kernel)
    assert np.abs(misled.kernel - ignored.kernel).max() > 0.1


def test_the_weighted_mean_is_summed_over_heads():
    losses = tf.constant([[1.0, 10.0], [3.0, 30.0], [100.0, 100.0]])
    unused = tf.zeros((3, 1)), tf.zeros(3, tf.int32)
    assert float(weighted_mean(losses, tf.constant([3.0, 1.0, 0.0]), *unused)) == 1.5 + 15
    assert float(weighted_mean(losses, tf.zeros(3), *unused)) == 0.0


def test_an_objective_sees_losses_weights_features_and_domains_of_a_batch():
    seen = {}

    def first_domain_only(losses, weights, features, domains):
        seen["shapes"] = [tensor.shape[1:].as_list() for tensor in (losses, features)]
        chosen = tf.cast(domains == 0, tf.float32)
        return weighted_mean(losses, weights * chosen, features, domains)

    data = rows()
    targets = np.where(data.domains == 0, data.targets, (data.targets + 1) % CLASSES)
    confusing = FeatureRows(data.features, targets.astype(np.int32), data.weights, data.domains)
    assert train(confusing, objective=first_domain_only).score > 0.9
    assert train(confusing).score < 0.9
    assert seen["shapes"] == [[1], [4]]


def test_features_on_disk_are_read_in_pieces(monkeypatch, tmp_path):
    data = rows()
    on_disk = np.memmap(tmp_path / "features", np.float16, "w+", shape=data.features.shape)
    on_disk[:] = data.features
    monkeypatch.setattr(heads, "PIECE_BYTES", data.features.nbytes // 3)
    head = train(FeatureRows(on_disk, *_rest(data)))
    assert head.score == 1.0


def test_an_evaluation_in_parts_gives_what_one_part_gives(monkeypatch):
    whole = train(rows())
    monkeypatch.setattr(heads, "EVALUATION_ROWS", 7)
    parts = train(rows())
    np.testing.assert_array_equal(parts.kernel, whole.kernel)
    assert parts.evaluation_loss == pytest.approx(whole.evaluation_loss, rel=1e-5)


def test_many_classes_leave_fewer_recipes():
    assert heads._affordable(heads.RECIPES, classes=7) == heads.RECIPES
    assert heads._affordable(heads.RECIPES, classes=1000) == heads.RECIPES[:2]
    assert heads._affordable(heads.RECIPES, classes=5000) == heads.RECIPES[:1]


def test_every_epoch_is_logged():
    logged = []
    head = train(rows(), log=logged.append)
    assert logged == head.curve
    assert [epoch.number for epoch in logged] == list(range(1, head.epochs + 1))
    assert logged[-1].loss < logged[0].loss


def _rest(data: FeatureRows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return data.targets, data.weights, data.domains
