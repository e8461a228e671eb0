import numpy as np
import pytest
import tensorflow as tf

from trainer_module.stages.style_mixing import mix_styles

pytestmark = pytest.mark.component


def styles(activations):
    """Mean and deviation of every channel of each picture, [batch, channels] each."""
    positions = tuple(range(1, activations.ndim - 1))
    return activations.mean(positions), activations.std(positions)


def without_style(activations):
    """Activations whose channels have the mean 0 and the deviation 1 in each picture."""
    positions = tuple(range(1, activations.ndim - 1))
    centred = activations - activations.mean(positions, keepdims=True)
    return centred / activations.std(positions, keepdims=True)


@pytest.fixture(name="batch", params=[(8, 5, 5, 3), (8, 25, 3)], ids=["feature map", "tokens"])
def _batch(request):
    """Activations in which every picture has a style of its own."""
    rng = np.random.default_rng(1)
    size, *positions, channels = request.param
    own = [size, *[1] * len(positions), channels]
    spread = rng.uniform(1, 5, own)
    return (rng.normal(0, 1, request.param) * spread + rng.uniform(-9, 9, own)).astype(np.float32)


def test_styles_are_mixtures_of_two_pictures_and_what_is_shown_stays(batch):
    tf.random.set_seed(1)
    mixed = mix_styles(tf.constant(batch), 1.0).numpy()
    means, deviations = styles(batch)
    new_means, new_deviations = styles(mixed)
    assert (np.abs(new_means - means).max(axis=1) > 0.1).sum() >= 2
    for row in range(len(batch)):
        # One share for all channels, of the mean and of the deviation.
        candidates = []
        for other in range(len(batch)):
            ends = np.r_[means[other] - means[row], deviations[other] - deviations[row]]
            moved = np.r_[new_means[row] - means[row], new_deviations[row] - deviations[row]]
            share = ends @ moved / max(ends @ ends, 1e-9)
            candidates.append((np.abs(moved - share * ends).max(), share))
        residual, share = min(candidates)
        assert residual < 1e-2
        assert -1e-3 < share < 1 + 1e-3
    np.testing.assert_allclose(without_style(mixed), without_style(batch), atol=1e-2)


def test_a_probability_of_0_changes_nothing(batch):
    np.testing.assert_allclose(mix_styles(tf.constant(batch), 0.0), batch, atol=1e-4)


def test_about_half_of_the_batches_are_mixed(batch):
    tf.random.set_seed(2)
    changed = [
        np.abs(mix_styles(tf.constant(batch), 0.5).numpy() - batch).max() > 0.1 for _ in range(60)
    ]
    assert 15 <= sum(changed) <= 45


def test_one_picture_alone_keeps_its_style(batch):
    np.testing.assert_allclose(mix_styles(tf.constant(batch[:1]), 1.0), batch[:1], atol=1e-4)
