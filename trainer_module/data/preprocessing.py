"""Decoding and resizing: the only path from encoded images to pixels.

Transform, the exported model and the tools all call `decode_and_resize`, so training, evaluation
and serving see the same pixels.
"""

from typing import Any

import tensorflow as tf

from trainer_module.contract import example_features
from trainer_module.data.picture_encoding import encode_pixels


def decode_and_resize(image: tf.Tensor, image_size: int) -> tf.Tensor:
    """Decode one image and resize it to the training size.

    The whole picture is stretched to a square; nothing is cropped away.

    Args:
        image: Encoded JPEG, PNG, GIF (first frame) or BMP, a scalar string.
        image_size: Side of the result, in pixels.

    Returns:
        RGB pixels, uint8 [image_size, image_size, 3].

    Raises:
        tf.errors.InvalidArgumentError: The image cannot be decoded.
    """
    pixels = tf.io.decode_image(image, channels=3, expand_animations=False)
    pixels = tf.ensure_shape(pixels, [None, None, 3])
    resized = tf.image.resize(pixels, [image_size, image_size], antialias=True)
    return tf.cast(tf.round(tf.clip_by_value(resized, 0, 255)), tf.uint8)


def decode_and_resize_batch(images: tf.Tensor, image_size: int) -> tf.Tensor:
    """Apply `decode_and_resize` to a batch: string [batch] -> uint8 [batch, size, size, 3]."""
    return tf.map_fn(
        lambda image: decode_and_resize(image, image_size),
        images,
        fn_output_signature=tf.TensorSpec([image_size, image_size, 3], tf.uint8),
    )


def preprocessing_fn(
    inputs: dict[str, tf.Tensor], custom_config: dict[str, Any]
) -> dict[str, tf.Tensor]:
    """Decode and resize pictures in the Transform graph; TFX's Transform calls this.

    Pictures are resized first, and then stored as `picture_encoding` describes.

    Args:
        inputs: Example features by name (see `contract.example_features`), string [batch] each.
        custom_config: Configuration of the component, with the keys `image_size` (pixels) and
            `storage` (see `picture_encoding`).

    Returns:
        The same features, with pictures of the training size.
    """
    image_size, storage = custom_config["image_size"], custom_config["storage"]

    def resize(image: tf.Tensor) -> tf.Tensor:
        return encode_pixels(decode_and_resize(image, image_size), storage)

    images = tf.map_fn(resize, inputs[example_features.IMAGE], fn_output_signature=tf.string)
    return {
        example_features.IMAGE: images,
        **{name: inputs[name] for name in example_features.DESCRIPTORS},
    }
