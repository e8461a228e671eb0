"""Pictures as they are stored between Transform and the Trainer."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from trainer_fixtures import SIZE, rows, write_split

from trainer_module.contract import example_features
from trainer_module.data.picture_batches import picture_batches
from trainer_module.data.picture_encoding import decode_stored, encode_pixels
from trainer_module.data.preprocessing import preprocessing_fn
from trainer_module.data.transformed_examples import read_pictures

pytestmark = pytest.mark.component


@pytest.fixture
def pixels() -> np.ndarray:
    """A smooth picture with an edge, as photographs have."""
    y, x = np.mgrid[:64, :64]
    return np.stack([2 * x + y, 255 - 3 * x, np.where(x > y, 200, 40)], 2).clip(0, 255).astype("u1")


def test_raw_pictures_keep_their_pixels_and_jpeg_nearly(pixels):
    raw, jpeg = (encode_pixels(pixels, storage) for storage in ("raw", "jpeg"))
    np.testing.assert_array_equal(decode_stored(raw, 64), pixels)
    difference = np.abs(decode_stored(jpeg, 64).numpy().astype(int) - pixels)
    assert difference.mean() < 1
    assert len(jpeg.numpy()) < len(raw.numpy()) / 3


def test_colours_of_single_pixels_are_kept():
    """Chroma subsampling would mix the colours of neighbours."""
    stripes = np.zeros((16, 16, 3), np.uint8)
    stripes[:, ::2, 0], stripes[:, 1::2, 2] = 200, 200
    decoded = decode_stored(encode_pixels(stripes, "jpeg"), 16).numpy().astype(int)
    assert np.abs(decoded - stripes).max() < 25


def test_equal_pixels_give_equal_bytes(pixels):
    one, other = (encode_pixels(pixels, "jpeg").numpy() for _ in range(2))
    assert one == other


def test_a_stored_picture_of_another_size_is_an_error(pixels):
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        decode_stored(encode_pixels(pixels, "jpeg"), 32)


@pytest.mark.parametrize("storage", ["raw", "jpeg"])
def test_transform_stores_pictures_as_it_is_told(pixels, storage):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    inputs = {name: tf.constant(["a"]) for name in example_features.DESCRIPTORS}
    inputs[example_features.IMAGE] = tf.constant([file.getvalue()])
    outputs = preprocessing_fn(inputs, {"image_size": 64, "storage": storage})
    assert outputs[example_features.IMAGE][0] == encode_pixels(pixels, storage)


def test_the_reader_decodes_what_it_finds(tmp_path):
    split = rows({"day": 0}, per_class=2, seed=1)
    stored = {"raw": split[:2], "jpeg": split[2:]}
    patterns = [write_split(tmp_path / name, part, name) for name, part in stored.items()]
    pictures = read_pictures(patterns, SIZE)
    pixels_of = {row.image_id.encode(): row.pixels.astype(int) for row in split}
    [(numbers, _, found)] = picture_batches(pictures, len(split)).as_numpy_iterator()
    for number, picture in zip(numbers, found, strict=True):
        expected = pixels_of[pictures.image_ids[number].as_py()]
        assert np.abs(picture - expected).mean() < 6  # noise; other pictures differ by 20
