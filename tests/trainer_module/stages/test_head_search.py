import numpy as np
import pytest
import tensorflow as tf

from trainer_module.stages import head_search
from trainer_module.stages.head_search import search_head
from trainer_module.stages.linear_heads import RECIPES, LabelledEmbeddings, Recipe, weighted_mean

pytestmark = pytest.mark.component

PLAIN = Recipe(0.0, 0.0)
CLASSES = 3


def rows(count: int = 60, seed: int = 1) -> LabelledEmbeddings:
    """Return rows whose classes lie 5 apart on one axis each; domain 1 is shifted."""
    random = np.random.default_rng(seed)
    targets = np.arange(count, dtype=np.int32) % CLASSES
    domains = (np.arange(count, dtype=np.int32) // CLASSES) % 2
    embeddings = random.normal(size=(count, 4)) + 5 * np.eye(CLASSES, 4)[targets] + domains[:, None]
    return LabelledEmbeddings(
        embeddings.astype(np.float16), targets, np.ones(count, np.float32), domains.astype(np.int32)
    )


def zeros() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((4, CLASSES), np.float32), np.zeros(CLASSES, np.float32)


def accuracy(data: LabelledEmbeddings):
    return lambda predicted: float((predicted == data.targets).mean())


def train(
    data: LabelledEmbeddings, evaluation: LabelledEmbeddings | None = None, start=None, **options
):
    evaluation = evaluation or rows(30, seed=2)
    options = {"learning_rate": 0.05, "batch_size": 16, "epochs": 20, "recipes": [PLAIN]} | options
    return search_head(data, evaluation, accuracy(evaluation), start or zeros(), **options)


def test_the_head_is_for_embeddings_that_are_not_scaled():
    data, evaluation = rows(), rows(30, seed=2)
    large = LabelledEmbeddings(evaluation.embeddings * 100, *_rest(evaluation))
    head = train(LabelledEmbeddings(data.embeddings * 100, *_rest(data)), large)
    predicted = (large.embeddings.astype(np.float32) @ head.kernel + head.bias).argmax(axis=1)
    assert (predicted == evaluation.targets).mean() == head.score == 1.0
    np.testing.assert_allclose(head.kernel * 100, train(data).kernel, rtol=2e-2, atol=2e-3)


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    first, second = train(rows(), seed=3), train(rows(), seed=3)
    np.testing.assert_array_equal(first.kernel, second.kernel)
    np.testing.assert_array_equal(first.bias, second.bias)
    assert first.curve == second.curve
    assert (train(rows(), seed=4).kernel != first.kernel).any()


def test_heads_side_by_side_are_the_same_as_heads_trained_alone():
    recipes = [Recipe(0.0, 0.0), Recipe(0.1, 0.0), Recipe(0.1, 0.2)]
    single = [train(rows(), recipes=[recipe], epochs=1) for recipe in recipes]
    joint = train(rows(), recipes=recipes, epochs=1)
    same = single[recipes.index(joint.recipe)]
    np.testing.assert_allclose(joint.kernel, same.kernel, rtol=1e-4, atol=1e-6)
    losses = [head.evaluation_loss for head in single]
    assert joint.evaluation_loss == pytest.approx(min(losses), rel=1e-4)
    assert joint.curve[0].evaluation_loss == pytest.approx(np.mean(losses), rel=1e-4)


def test_the_recipe_with_the_best_score_is_selected():
    calls = []

    def score_second_head(predicted: np.ndarray) -> float:
        calls.append(predicted)
        return float(len(calls) % 2 == 0)

    data = rows()
    recipes = [Recipe(0.0, 0.0), Recipe(0.1, 0.0)]
    head = search_head(data, data, score_second_head, zeros(), recipes=recipes, epochs=3)
    assert head.recipe == recipes[1]
    assert head.score == 1.0
    assert [epoch.mean_score for epoch in head.curve] == [0.5, 0.5, 0.5]
    assert calls[0].shape == (60,)


def test_training_stops_after_epochs_without_improvement_and_a_tie_goes_to_the_lower_loss():
    data = rows()
    head = search_head(data, data, lambda _: 0.5, zeros(), recipes=[PLAIN], patience=4, epochs=50)
    losses = [epoch.evaluation_loss for epoch in head.curve]
    assert head.epochs == 5
    assert head.epoch == 1 + int(np.argmin(losses)) == 5
    assert head.evaluation_loss == losses[-1]


def test_the_penalty_keeps_the_kernel_small():
    free = train(rows(), recipes=[Recipe(0.0, 0.0)], epochs=20, patience=20)
    held = train(rows(), recipes=[Recipe(1.0, 0.0)], epochs=20, patience=20)
    assert np.abs(held.kernel).sum() < 0.5 * np.abs(free.kernel).sum()


def test_training_starts_from_the_given_head():
    trained = train(rows())
    again = train(rows(), start=(trained.kernel, trained.bias), learning_rate=1e-9, epochs=1)
    np.testing.assert_allclose(again.kernel, trained.kernel, atol=1e-5)
    assert again.score == trained.score


def test_unknown_targets_and_rows_without_weight_have_no_effect():
    data = rows()
    wrong, unknown, weights = data.targets.copy(), data.targets.copy(), data.weights.copy()
    wrong[:20] = (wrong[:20] + 1) % CLASSES
    unknown[:20] = -1
    weights[:20] = 0
    misled = train(LabelledEmbeddings(data.embeddings, wrong, data.weights, data.domains))
    ignored = train(LabelledEmbeddings(data.embeddings, wrong, weights, data.domains))
    left_out = train(LabelledEmbeddings(data.embeddings, unknown, data.weights, data.domains))
    np.testing.assert_array_equal(ignored.kernel, left_out.kernel)
    assert np.abs(misled.kernel - ignored.kernel).max() > 0.1


def test_an_objective_sees_losses_weights_embeddings_and_domains_of_a_batch():
    seen = {}

    def first_domain_only(losses, weights, embeddings, domains):
        seen["shapes"] = [tensor.shape[1:].as_list() for tensor in (losses, embeddings)]
        chosen = tf.cast(domains == 0, tf.float32)
        return weighted_mean(losses, weights * chosen, embeddings, domains)

    data = rows()
    targets = np.where(data.domains == 0, data.targets, (data.targets + 1) % CLASSES)
    confusing = LabelledEmbeddings(
        data.embeddings, targets.astype(np.int32), data.weights, data.domains
    )
    assert train(confusing, objective=first_domain_only).score > 0.9
    assert train(confusing).score < 0.9
    assert seen["shapes"] == [[1], [4]]


def test_embeddings_on_disk_are_read_in_chunks(monkeypatch, tmp_path):
    data = rows()
    on_disk = np.memmap(tmp_path / "embeddings", np.float16, "w+", shape=data.embeddings.shape)
    on_disk[:] = data.embeddings
    monkeypatch.setattr(head_search, "CHUNK_BYTES", data.embeddings.nbytes // 3)
    head = train(LabelledEmbeddings(on_disk, *_rest(data)))
    assert head.score == 1.0


def test_an_evaluation_in_batches_gives_the_same_loss(monkeypatch):
    whole = train(rows())
    monkeypatch.setattr(head_search, "EVALUATION_ROWS", 7)
    parts = train(rows())
    np.testing.assert_array_equal(parts.kernel, whole.kernel)
    assert parts.evaluation_loss == pytest.approx(whole.evaluation_loss, rel=1e-5)


def test_with_many_classes_fewer_recipes_are_tried():
    assert head_search._within_limit(RECIPES, classes=7) == RECIPES
    assert head_search._within_limit(RECIPES, classes=1000) == RECIPES[:2]
    assert head_search._within_limit(RECIPES, classes=5000) == RECIPES[:1]


def test_a_function_is_called_after_every_epoch():
    epochs = []
    head = train(rows(), on_epoch=epochs.append)
    assert epochs == head.curve
    assert [epoch.number for epoch in epochs] == list(range(1, head.epochs + 1))
    assert epochs[-1].loss < epochs[0].loss


def _rest(data: LabelledEmbeddings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return data.targets, data.weights, data.domains
