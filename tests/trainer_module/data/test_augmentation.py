import itertools
from dataclasses import asdict

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer_module.contract.errors import InputError
from trainer_module.data import augmentation
from trainer_module.data.augmentation import PRESETS, STRENGTHS, RandomView, Strength, uniform_draws

pytestmark = pytest.mark.component

COUNT, SIZE = 48, 17
SEEDS = np.stack([np.arange(COUNT), np.ones(COUNT)], axis=1).astype(np.int32)
# Far enough from black and white that nothing is clipped.
PIXELS = np.random.default_rng(0).uniform(100, 150, (COUNT, SIZE, SIZE, 3)).astype(np.float32)
# Red is the column of a pixel, green the row.
COLUMNS, ROWS = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
COORDINATES = np.stack([COLUMNS, ROWS, np.zeros((SIZE, SIZE))], axis=-1).astype(np.float32)
COORDINATES = np.broadcast_to(COORDINATES, (COUNT, SIZE, SIZE, 3))


def views(pixels, seeds=SEEDS, preset="strong"):
    return RandomView(preset)(pixels, seeds, training=True).numpy()


@pytest.fixture
def only(monkeypatch):
    """Return views with no other changes than the given ones."""

    def change(pixels, **changes):
        monkeypatch.setitem(augmentation.STRENGTHS, "strong", Strength(**changes))
        return views(pixels)

    return change


def test_every_preset_has_its_strength_and_none_has_none():
    assert tuple(STRENGTHS) == PRESETS == ("none", "light", "medium", "strong")
    assert STRENGTHS["none"] == Strength()


@pytest.mark.parametrize(("weaker", "stronger"), itertools.pairwise(PRESETS))
def test_no_change_goes_less_far_in_a_stronger_preset(weaker, stronger):
    less, more = asdict(STRENGTHS[weaker]), asdict(STRENGTHS[stronger])
    assert more.pop("smallest_crop") < less.pop("smallest_crop")
    assert all(more[change] >= less[change] for change in less)


def test_an_unknown_preset_is_an_error_that_names_the_presets():
    with pytest.raises(InputError, match=r"one of none, light, medium, strong\. Received: heavy"):
        RandomView("heavy")


def test_none_changes_nothing():
    np.testing.assert_array_equal(views(PIXELS, preset="none"), PIXELS)


def test_nothing_changes_when_not_training():
    np.testing.assert_array_equal(RandomView("strong")(PIXELS, SEEDS), PIXELS)


def test_strength_zero_changes_nothing(only):
    np.testing.assert_allclose(only(PIXELS), PIXELS, atol=1e-3)


@pytest.mark.parametrize("preset", ["light", "medium", "strong"])
def test_a_seed_gives_the_same_view_in_another_batch_and_position(preset):
    everything = views(PIXELS, preset=preset)
    chosen = [31, 4, 15]
    few = views(PIXELS[chosen], SEEDS[chosen], preset)
    np.testing.assert_allclose(few, everything[chosen], atol=1e-3)


@pytest.mark.parametrize("preset", ["light", "medium", "strong"])
def test_repeating_a_batch_repeats_every_bit(preset):
    np.testing.assert_array_equal(views(PIXELS, preset=preset), views(PIXELS, preset=preset))


@pytest.mark.parametrize("other", [[1, 0], [0, 1]], ids=["picture", "view"])
def test_another_picture_or_view_number_gives_another_view(other):
    same = np.broadcast_to(PIXELS[:1], PIXELS.shape)
    difference = np.abs(views(same, SEEDS + np.int32(other), "light") - views(same, preset="light"))
    assert difference.max(axis=(1, 2, 3)).min() > 3


@pytest.mark.parametrize("preset", ["light", "medium", "strong"])
def test_views_keep_type_shape_and_range(preset):
    extremes = np.where(PIXELS > 125, 255, 0).astype(np.float32)
    result = views(extremes, preset=preset)
    assert (result.dtype, result.shape) == (np.float32, PIXELS.shape)
    assert (result.min(), result.max()) == (0, 255)


def test_a_graph_computes_in_float32_under_mixed_precision():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = RandomView("strong")
    finally:
        keras.config.set_dtype_policy(policy)
    any_batch = [
        tf.TensorSpec([None, SIZE, SIZE, 3], tf.float32),
        tf.TensorSpec([None, 2], tf.int32),
    ]
    graph = tf.function(lambda *batch: layer(*batch, training=True), input_signature=any_batch)
    assert graph(PIXELS, SEEDS).dtype == tf.float32
    np.testing.assert_allclose(graph(PIXELS, SEEDS), views(PIXELS), atol=1e-3)


def test_mirror_exchanges_left_and_right(only):
    np.testing.assert_allclose(only(PIXELS, mirror=1.0), PIXELS[:, :, ::-1], atol=1e-3)


def test_half_of_the_pictures_are_mirrored(only):
    view = only(COORDINATES, mirror=0.5)
    assert 0.3 < np.mean(view[:, 0, 0, 0] > view[:, 0, -1, 0]) < 0.7


def test_crops_are_squares_within_the_picture_of_the_given_sizes(only):
    view = only(COORDINATES, smallest_crop=0.75)
    width = (view[:, 0, -1, 0] - view[:, 0, 0, 0]) / (SIZE - 1)
    height = (view[:, -1, 0, 1] - view[:, 0, 0, 1]) / (SIZE - 1)
    np.testing.assert_allclose(width, height, atol=1e-4)
    assert 0.75 <= width.min() < 0.8
    assert 0.95 < width.max() <= 1.0
    assert view[:, 0, 0].std(axis=0)[:2].min() > 0.3  # their positions differ


def test_stretched_crops_keep_to_the_ratio(only):
    view = only(COORDINATES, smallest_crop=0.5, stretch=1.5)
    ratio = (view[:, 0, -1, 0] - view[:, 0, 0, 0]) / (view[:, -1, 0, 1] - view[:, 0, 0, 1])
    assert 1 / 1.5 <= ratio.min() < 0.8
    assert 1.25 < ratio.max() <= 1.5


def test_both_ways_of_resampling_agree(only):
    crop = {"mirror": 0.5, "smallest_crop": 0.5, "stretch": 1.3}
    np.testing.assert_allclose(only(PIXELS, **crop), only(PIXELS, **crop, rotation=1e-9), atol=0.01)


def test_rotation_turns_about_the_middle_by_at_most_the_given_angle(only):
    view, middle = only(COORDINATES, rotation=20.0), SIZE // 2
    np.testing.assert_allclose(view[:, middle, middle, :2], middle, atol=1e-3)
    along, across = (view[:, middle, middle + 3] - view[:, middle, middle])[:, :2].T
    angle = np.degrees(np.arctan2(across, along))
    assert -20 <= angle.min() < -15
    assert 15 < angle.max() <= 20
    np.testing.assert_allclose(np.hypot(along, across), 3, atol=1e-3)


def test_rotation_leaves_no_empty_corners(only):
    white = np.full_like(PIXELS, 255)
    np.testing.assert_allclose(only(white, rotation=45.0), white, atol=1e-2)


def test_brightness_adds_the_same_to_every_pixel(only):
    change = only(PIXELS, brightness=0.15) - PIXELS
    assert np.ptp(change, axis=(1, 2, 3)).max() < 1e-3
    assert 0.12 * 255 < np.abs(change).max() <= 0.15 * 255 + 1e-3


def test_contrast_scales_the_distance_from_the_mean_colour(only):
    view = only(PIXELS, contrast=0.25)
    np.testing.assert_allclose(view.mean(axis=(1, 2)), PIXELS.mean(axis=(1, 2)), atol=1e-2)
    factor = view.std(axis=(1, 2)) / PIXELS.std(axis=(1, 2))
    np.testing.assert_allclose(factor, factor[:, :1].repeat(3, axis=1), rtol=1e-3)
    assert 0.75 <= factor.min() < 0.8
    assert 1.2 < factor.max() <= 1.2501


def test_saturation_scales_the_distance_from_grey(only):
    view = only(PIXELS, saturation=0.3)
    grey = (PIXELS @ np.float32(augmentation.LUMA))[..., np.newaxis]
    factor = np.sum((view - grey) * (PIXELS - grey), axis=(1, 2, 3))
    factor /= np.sum((PIXELS - grey) ** 2, axis=(1, 2, 3))
    np.testing.assert_allclose(
        view, grey + factor[:, None, None, None] * (PIXELS - grey), atol=1e-2
    )
    assert 0.7 <= factor.min() < 0.8
    assert 1.2 < factor.max() <= 1.3001


def test_grey_pictures_keep_the_brightness_of_their_colours(only):
    grey = (PIXELS @ np.float32(augmentation.LUMA))[..., np.newaxis].repeat(3, axis=-1)
    np.testing.assert_allclose(only(PIXELS, grey=1.0), grey, atol=1e-2)


def test_channel_gain_multiplies_each_channel_by_its_own_factor(only):
    gain = only(PIXELS, channel_gain=0.2) / PIXELS
    assert np.ptp(gain, axis=(1, 2)).max() < 1e-4
    assert 0.8 <= gain.min() < 0.85
    assert 1.15 < gain.max() <= 1.2001
    assert np.abs(np.corrcoef(gain[:, 0, 0].T) - np.eye(3)).max() < 0.5


def test_sharpness_blurs_some_pictures_and_sharpens_others(only):
    ratio = only(PIXELS, sharpness=1.0).std(axis=(1, 2, 3)) / PIXELS.std(axis=(1, 2, 3))
    assert ratio.min() < 0.6
    assert ratio.max() > 1.4
    flat = np.full_like(PIXELS, 90)
    np.testing.assert_allclose(only(flat, sharpness=1.0), flat, atol=1e-3)


def test_an_erased_part_is_a_rectangle_of_the_mean_colour(only):
    view = only(PIXELS, erased=1.0, erased_side=0.4)
    mean = PIXELS.mean(axis=(1, 2), keepdims=True)
    erased = np.all(np.abs(view - mean) < 1e-2, axis=-1)
    rows, columns = erased.any(axis=2), erased.any(axis=1)
    np.testing.assert_array_equal(erased, rows[:, :, np.newaxis] & columns[:, np.newaxis])
    np.testing.assert_allclose(view[~erased], PIXELS[~erased], atol=1e-3)
    for covered in (rows.sum(axis=1), columns.sum(axis=1)):
        assert covered.min() >= 0.2 * (SIZE - 1) - 1
        assert covered.max() <= 0.4 * (SIZE - 1) + 1


def test_draws_are_uniform_for_neighbouring_seeds():
    pictures, numbers = np.meshgrid(np.arange(-2048, 2048), np.arange(4))
    seeds = np.stack([pictures.ravel(), numbers.ravel()], axis=1).astype(np.int32)
    draws = uniform_draws(seeds, 8).numpy()
    counts = np.stack([np.histogram(column, 16, (0, 1))[0] for column in draws.T])
    chi_squared = ((counts - 1024.0) ** 2 / 1024).sum(axis=1)
    assert chi_squared.max() < 37.7  # 15 degrees of freedom: one in a thousand is above
    assert draws.min() >= 0
    assert draws.max() < 1


def test_draws_are_independent_of_each_other_and_of_the_neighbours():
    pictures, numbers = np.meshgrid(np.arange(4096), np.arange(4), indexing="ij")
    seeds = np.stack([pictures, numbers], axis=-1).reshape(-1, 2).astype(np.int32)
    draws = uniform_draws(seeds, 4).numpy().reshape(4096, 16)  # views and draws of each picture
    neighbours = np.concatenate([draws[:-1], draws[1:]], axis=1)
    correlation = np.corrcoef(neighbours.T) - np.eye(32)
    assert np.abs(correlation).max() < 0.07  # 4.5 standard deviations


def test_a_draw_does_not_depend_on_how_many_there_are():
    np.testing.assert_array_equal(uniform_draws(SEEDS, 3), uniform_draws(SEEDS, 9)[:, :3])


def test_draws_stay_what_they_are_in_every_version():
    np.testing.assert_array_equal(
        (uniform_draws(np.int32([[0, 0], [-1, 7]]), 2) * 2**24).numpy().astype(int),
        [[5557578, 7990064], [1646111, 4623940]],  # from whole numbers in plain Python
    )
