import keras
import numpy as np
import pytest
import tiny_backbone

from trainer_module.classifier import (
    build_classifier,
    copy_in_float32,
    extend_labels,
    start_fine_tuning,
    warm_start,
    warm_start_head,
)
from trainer_module.training_options import BackboneOptions

pytestmark = [pytest.mark.component, pytest.mark.usefixtures("registered")]

SIZE = 32
PICTURES = np.random.default_rng(0).uniform(0, 255, (2, SIZE, SIZE, 3)).astype(np.float32)


def classifier(*labels: str, seed: int = 0):
    keras.utils.set_random_seed(1)  # all backbones have the same weights
    made = build_classifier(BackboneOptions(**tiny_backbone.OPTIONS), SIZE, labels)
    kernel, bias = made.head.get_weights()
    rng = np.random.default_rng(seed)
    made.head.set_weights([rng.normal(size=kernel.shape), rng.normal(size=bias.shape)])
    return made


def logits(made) -> np.ndarray:
    return np.array(made.head(made.backbone.model(PICTURES, training=False)))


def test_known_classes_keep_their_ids_and_new_ones_follow_in_name_order():
    assert extend_labels(("dog", "cat"), {"ant", "cat", "zebra"}) == ("dog", "cat", "ant", "zebra")


def test_a_warm_start_keeps_the_logits_of_known_classes():
    earlier, later = classifier("cat", "dog"), classifier("cat", "dog", "ant")
    later.head.set_weights([np.zeros_like(weight) for weight in later.head.get_weights()])
    warm_start(later, earlier)
    np.testing.assert_allclose(logits(later)[:, :2], logits(earlier), rtol=1e-5)
    np.testing.assert_array_equal(logits(later)[:, 2], [0, 0])


def test_a_warm_start_of_the_head_leaves_other_classes_as_they_are():
    earlier, later = classifier("cat", "dog"), classifier("cat", "dog", "ant", seed=1)
    before = logits(later)
    warm_start_head(later, earlier.head.get_weights(), 1)
    np.testing.assert_allclose(logits(later)[:, 0], logits(earlier)[:, 0], rtol=1e-5)
    np.testing.assert_allclose(logits(later)[:, 1:], before[:, 1:], rtol=1e-5)


@pytest.mark.parametrize(("warm_classes", "expected"), [(0, [4, 4, 4]), (2, [1, 1, 10])])
def test_fine_tuning_starts_from_a_smaller_head_and_for_known_classes_from_the_serving_one(
    warm_classes, expected
):
    made = classifier("cat", "dog", "ant")
    kernel, bias = made.head.get_weights()
    made.head.set_weights([np.full_like(kernel, 10), np.full_like(bias, 10)])
    start_fine_tuning(made, [np.ones_like(kernel), np.ones_like(bias)], warm_classes)
    kernel, bias = made.head.get_weights()
    assert (kernel[0].tolist(), bias.tolist()) == (expected, expected)


def test_weights_can_be_copied_to_another_classifier():
    first, second = classifier("cat", "dog"), classifier("cat", "dog", seed=1)
    assert np.abs(logits(first) - logits(second)).max() > 0.1
    second.set_weights(first.get_weights())
    np.testing.assert_allclose(logits(second), logits(first), rtol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_float32_copy_of_a_mixed_precision_classifier_computes_in_float32(policy):
    keras.config.set_dtype_policy(policy)
    try:
        mixed = classifier("cat", "dog")
        copy = copy_in_float32(mixed)
        assert keras.config.dtype_policy().name == policy
    finally:
        keras.config.set_dtype_policy("float32")
    assert mixed.backbone.model.compute_dtype == policy.removeprefix("mixed_")
    assert {layer.compute_dtype for layer in copy.backbone.model.layers} == {"float32"}
    for ours, theirs in zip(copy.get_weights(), mixed.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
