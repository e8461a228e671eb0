"""Random views of training pictures that keep their label, for whole batches on the device.

A view depends on the picture and its seed alone: it is the same in every batch, at every position
in the batch, on every device and with any number of threads.
"""

import math
from dataclasses import dataclass
from typing import get_args

import keras
import tensorflow as tf

from trainer_module.contract.errors import InputError
from trainer_module.training_options import Preset

PRESETS: tuple[str, ...] = get_args(Preset)

#: Shares of red, green and blue in the brightness of a pixel (ITU-R BT.601, as in JPEG).
LUMA = (0.299, 0.587, 0.114)

#: Side of the window that blurring averages over, in pixels.
BLUR_WINDOW = 3

#: Random numbers per picture; more than any preset draws.
DRAWS = 24


@dataclass(frozen=True)
class Strength:
    """Limits of the random changes. The defaults change nothing.

    Attributes:
        mirror: Probability that left and right are exchanged.
        smallest_crop: Smallest side of a crop, as a share of the picture's side.
        stretch: Largest ratio of a crop's sides; 1 for squares only.
        rotation: Largest angle in either direction, in degrees.
        brightness: Largest value that is added or subtracted, as a share of the full range.
        contrast: Largest difference of the contrast factor from 1, in either direction.
        saturation: Largest difference of the saturation factor from 1, in either direction.
        channel_gain: Largest difference from 1 of the factor of each colour channel, in either
            direction, as under light of another colour.
        grey: Probability that the picture loses its colour.
        sharpness: Largest amount of sharpening (positive) or blurring (negative): at 1 the
            difference to a blurred picture is added once or removed.
        erased: Probability that a rectangle is filled with the picture's mean colour.
        erased_side: Largest side of that rectangle, as a share of the picture's side.
    """

    mirror: float = 0.0
    smallest_crop: float = 1.0
    stretch: float = 1.0
    rotation: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    channel_gain: float = 0.0
    grey: float = 0.0
    sharpness: float = 0.0
    erased: float = 0.0
    erased_side: float = 0.0


STRENGTHS: dict[str, Strength] = {
    "none": Strength(),
    "light": Strength(
        mirror=0.5, smallest_crop=0.75, brightness=0.15, contrast=0.25, saturation=0.3
    ),
    "medium": Strength(
        mirror=0.5,
        smallest_crop=0.6,
        stretch=1.2,
        rotation=10.0,
        brightness=0.2,
        contrast=0.35,
        saturation=0.5,
        channel_gain=0.1,
        grey=0.1,
    ),
    "strong": Strength(
        mirror=0.5,
        smallest_crop=0.5,
        stretch=1.33,
        rotation=20.0,
        brightness=0.2,
        contrast=0.4,
        saturation=0.7,
        channel_gain=0.15,
        grey=0.2,
        sharpness=1.0,
        erased=0.5,
        erased_side=0.4,
    ),
}


class RandomView(keras.layers.Layer):
    """Layer that returns one random view of each picture of a batch, in training only.

    All geometric changes are one resampling, and all colour changes one linear map per picture, so
    further kinds of change cost little. The layer computes in float32 under every dtype policy.

    Example:
        >>> import tensorflow as tf
        >>> from trainer_module.data.augmentation import RandomView
        >>> pictures = tf.fill([2, 32, 32, 3], 100.0)
        >>> seeds = tf.constant([[7, 1], [8, 1]])  # picture 7 and picture 8, view 1 of each
        >>> random_view = RandomView("medium")
        >>> views = random_view(pictures, seeds, training=True)
        >>> views.shape.as_list()
        [2, 32, 32, 3]
        >>> bool(tf.reduce_all(views == random_view(pictures, seeds, training=True)))
        True
    """

    def __init__(self, preset: str, dtype: str = "float32", **kwargs: object) -> None:
        """Choose the preset.

        Args:
            preset: Name of the strength, one of `PRESETS`. `none` returns pictures unchanged.
            dtype: Dtype of the computation.
            **kwargs: Arguments of `keras.layers.Layer`.

        Raises:
            InputError: The preset is unknown.
        """
        super().__init__(dtype=dtype, **kwargs)
        if preset not in PRESETS:
            raise InputError(
                f"augmentation must be one of {', '.join(PRESETS)}. Received: {preset}"
            )
        self.preset = preset
        self.supports_jit = False  # XLA has no kernel for the resampling

    def call(self, pixels: tf.Tensor, seeds: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return a random view of each picture.

        Args:
            pixels: Pictures, float32 [batch, size, size, 3], 0 to 255.
            seeds: Seeds, int32 [batch, 2]: a number for the picture and the number of the view.
            training: Whether to change the pictures; without it they are returned unchanged.

        Returns:
            Views, float32 of the same shape and range.
        """
        if not training or self.preset == "none":
            return pixels
        strength, draws = STRENGTHS[self.preset], _Draws(seeds)
        view = _crop(pixels, draws, strength)
        if strength.sharpness:
            view = _sharpen(view, draws, strength)
        mean = tf.reduce_mean(view, axis=(1, 2))
        matrix, offset = _colour_map(draws, strength, mean)
        if strength.erased:
            view = _erase(view, draws, strength, mean)
        rows = tf.reshape(view, [tf.shape(view)[0], -1, 3])
        view = tf.reshape(tf.matmul(rows, matrix) + offset[:, tf.newaxis], tf.shape(view))
        return tf.ensure_shape(tf.clip_by_value(view, 0.0, 255.0), pixels.shape)


def uniform_draws(seeds: tf.Tensor, count: int) -> tf.Tensor:
    """Return random numbers that depend on nothing but the seed of their row.

    Seeds and the number of the draw pass through the finaliser of MurmurHash3 (Appleby, public
    domain, `fmix32`) one after the other, a golden-ratio step apart as in SplitMix (Steele, Lea
    and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014, section 4).

    Args:
        seeds: Seeds, int32 [batch, 2].
        count: Numbers per row.

    Returns:
        Uniform numbers, float32 [batch, count], 0 <= number < 1, in steps of 2**-24.
    """
    words = tf.bitcast(seeds, tf.uint32)
    step = tf.constant(0x9E3779B9, tf.uint32)
    state = _mix(words[:, :1] + step)
    state = _mix(tf.bitwise.bitwise_xor(state, words[:, 1:]) + step)
    bits = _mix(state + step * tf.cast(tf.range(1, count + 1), tf.uint32))
    return tf.cast(tf.bitwise.right_shift(bits, tf.constant(8, tf.uint32)), tf.float32) / 2**24


def _mix(words: tf.Tensor) -> tf.Tensor:
    """Mix the bits of uint32 words so that every input bit changes all output bits."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        shifted = tf.bitwise.right_shift(words, tf.constant(shift, tf.uint32))
        words = tf.bitwise.bitwise_xor(words, shifted) * tf.constant(factor, tf.uint32)
    return words


class _Draws:
    """Random numbers of a batch of pictures; every call returns the next column."""

    def __init__(self, seeds: tf.Tensor) -> None:
        self._columns = iter(tf.unstack(uniform_draws(seeds, DRAWS), axis=1))

    def between(self, low: tf.Tensor | float, high: tf.Tensor | float) -> tf.Tensor:
        """Return numbers between two limits, float32 [batch]."""
        return low + (high - low) * next(self._columns)

    def around(self, centre: float, distance: tf.Tensor | float) -> tf.Tensor:
        """Return numbers at most `distance` from `centre`, float32 [batch]."""
        return self.between(centre - distance, centre + distance)

    def chance(self, probability: float) -> tf.Tensor:
        """Return True with a probability, bool [batch]."""
        return next(self._columns) < probability


def _crop(pixels: tf.Tensor, draws: _Draws, strength: Strength) -> tf.Tensor:
    """Crop, mirror and rotate in one resampling; beyond its edges a picture is reflected."""
    side = draws.between(strength.smallest_crop, 1.0)
    stretch = tf.exp(draws.around(0.0, math.log(strength.stretch) / 2))
    width, height = tf.minimum(side * stretch, 1.0), tf.minimum(side / stretch, 1.0)
    x = draws.around(0.5, (1 - width) / 2)
    y = draws.around(0.5, (1 - height) / 2)
    width = tf.where(draws.chance(strength.mirror), -width, width)
    angle = draws.around(0.0, math.radians(strength.rotation))
    shape = tf.shape(pixels)
    if not strength.rotation:  # cropping an upright box takes a third of the time
        boxes = tf.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=1)
        return tf.image.crop_and_resize(pixels, boxes, tf.range(shape[0]), shape[1:3])
    last = tf.cast(shape[1] - 1, tf.float32)
    xx, xy = width * tf.cos(angle), -height * tf.sin(angle)
    yx, yy = width * tf.sin(angle), height * tf.cos(angle)
    left, top = last * (x - (xx + xy) / 2), last * (y - (yx + yy) / 2)
    zero = tf.zeros_like(x)
    transform = tf.stack([xx, xy, left, yx, yy, top, zero, zero], axis=1)
    return keras.ops.image.affine_transform(
        pixels, transform, "bilinear", "reflect", data_format="channels_last"
    )


def _colour_map(draws: _Draws, strength: Strength, mean: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return channel gain, saturation, grey, contrast and brightness as one linear map.

    Args:
        draws: Random numbers of the batch.
        strength: Limits of the changes.
        mean: Mean colour, which contrast does not change, float32 [batch, 3].

    Returns:
        Matrix by which pixels are multiplied, float32 [batch, 3, 3], and offset that is added,
        float32 [batch, 3].
    """
    gains = tf.stack([draws.around(1.0, strength.channel_gain) for _ in LUMA], axis=1)
    saturation = draws.around(1.0, strength.saturation)
    saturation = tf.where(draws.chance(strength.grey), 0.0, saturation)[:, tf.newaxis, tf.newaxis]
    grey = tf.tile(tf.constant(LUMA)[:, tf.newaxis], [1, 3])
    colours = gains[:, :, tf.newaxis] * (saturation * tf.eye(3) + (1 - saturation) * grey)
    contrast = draws.around(1.0, strength.contrast)[:, tf.newaxis]
    brightness = draws.around(0.0, 255 * strength.brightness)[:, tf.newaxis]
    new_mean = tf.linalg.matvec(colours, mean, transpose_a=True)
    return colours * contrast[:, tf.newaxis], new_mean * (1 - contrast) + brightness


def _sharpen(view: tf.Tensor, draws: _Draws, strength: Strength) -> tf.Tensor:
    """Add a multiple of the difference to the blurred picture; negative multiples blur."""
    amount = draws.around(0.0, strength.sharpness)[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return view + amount * (view - tf.nn.avg_pool2d(view, BLUR_WINDOW, 1, "SAME"))


def _erase(view: tf.Tensor, draws: _Draws, strength: Strength, mean: tf.Tensor) -> tf.Tensor:
    """Fill a rectangle ("Random Erasing Data Augmentation", Zhong et al., AAAI 2020)."""
    chosen = draws.chance(strength.erased)
    coordinates = tf.linspace(0.0, 1.0, tf.shape(view)[1])

    def inside() -> tf.Tensor:
        """Return which coordinates of one axis the rectangle covers, bool [batch, size]."""
        side = draws.between(strength.erased_side / 2, strength.erased_side)
        start = draws.between(0.0, 1 - side)[:, tf.newaxis]
        return (coordinates >= start) & (coordinates <= start + side[:, tf.newaxis])

    rows = (inside() & chosen[:, tf.newaxis])[:, :, tf.newaxis, tf.newaxis]
    return tf.where(rows & inside()[:, tf.newaxis, :, tf.newaxis], mean[:, None, None], view)
