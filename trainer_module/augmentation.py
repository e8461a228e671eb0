"""Random changes to training pictures that keep their meaning.

Every change is drawn from a seed made of the picture's name and the view's number, so that the
same picture gets the same views whatever the order, the batch or the number of threads.
"""

from typing import Any

import tensorflow as tf

#: Smallest part of the picture's side that a random crop keeps.
SMALLEST_CROP = 0.75
BRIGHTNESS = 0.15
CONTRAST = (0.75, 1.25)
SATURATION = (0.7, 1.3)


def augment(pixels: tf.Tensor, seed: Any, strength: str) -> tf.Tensor:
    """Make one view of a picture.

    Args:
        pixels: float32 [height, width, 3], 0 to 255.
        seed: int32 [2].
        strength: `none` or `light` (mirror, crop, brightness, contrast, saturation).

    Returns:
        float32 of the same shape and range.
    """
    if strength == "none":
        return pixels
    seeds = tf.unstack(tf.random.split(seed, 5))
    view = tf.image.stateless_random_flip_left_right(pixels / 255, seeds[0])
    view = _random_crop(view, seeds[1])
    view = tf.image.stateless_random_brightness(view, BRIGHTNESS, seeds[2])
    view = tf.image.stateless_random_contrast(view, *CONTRAST, seeds[3])
    view = tf.image.stateless_random_saturation(view, *SATURATION, seeds[4])
    return tf.clip_by_value(view, 0, 1) * 255


def _random_crop(pixels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A random square part, scaled back to the full size."""
    size = pixels.shape[0]
    draws = tf.random.stateless_uniform([3], seed)
    side = SMALLEST_CROP + (1 - SMALLEST_CROP) * draws[0]
    top, left = (1 - side) * draws[1], (1 - side) * draws[2]
    box = tf.stack([top, left, top + side, left + side])[tf.newaxis]
    return tf.image.crop_and_resize(pixels[tf.newaxis], box, [0], [size, size])[0]
