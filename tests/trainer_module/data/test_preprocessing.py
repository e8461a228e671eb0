import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from trainer_module.contract import example_features
from trainer_module.data.picture_encoding import decode_stored
from trainer_module.data.preprocessing import (
    decode_and_resize,
    decode_and_resize_batch,
    preprocessing_fn,
)

pytestmark = pytest.mark.component


def encoded(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def test_a_picture_of_the_right_size_keeps_its_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    np.testing.assert_array_equal(decode_and_resize(encoded(pixels), 16), pixels)


def test_shrinking_averages_instead_of_skipping_pixels():
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = 255
    middle = decode_and_resize(encoded(stripes), 8).numpy()[2:-2, 2:-2]
    assert abs(middle.astype(int) - 128).max() <= 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP"])
def test_every_format_gives_rgb(kind):
    grey = np.full((10, 20), 77, np.uint8)
    pixels = decode_and_resize(encoded(grey, kind), 16)
    assert pixels.shape == (16, 16, 3)
    assert pixels.dtype == tf.uint8
    assert set(pixels.numpy().ravel()) == {77}


def test_transform_and_serving_see_the_same_pixels():
    rng = np.random.default_rng(1)
    heights = (40, 9)
    images = tf.constant(
        [encoded(rng.integers(0, 256, (height, 23, 3), np.uint8), "JPEG") for height in heights]
    )
    inputs = {name: tf.constant(["a", "b"]) for name in example_features.DESCRIPTORS}
    config = {"image_size": 16, "storage": "raw"}
    outputs = preprocessing_fn(inputs | {example_features.IMAGE: images}, config)
    stored = [decode_stored(image, 16) for image in outputs[example_features.IMAGE]]
    np.testing.assert_array_equal(tf.stack(stored), decode_and_resize_batch(images, 16))
