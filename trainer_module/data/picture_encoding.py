"""Pictures of the training size as they lie on disk between Transform and the Trainer."""

import tensorflow as tf

from trainer_module.data.picture_storage import JPEG_QUALITY, Storage

#: Beginning of every JPEG. A serialized tensor begins with its type, 0x08.
JPEG_BEGIN = b"\xff\xd8\xff"


def encode_pixels(pixels: tf.Tensor, storage: Storage) -> tf.Tensor:
    """Return one picture as it is stored, a scalar string.

    The same pixels always give the same bytes, on which the order of a training depends.

    Args:
        pixels: RGB pixels, uint8 [size, size, 3].
        storage: How the picture is stored.
    """
    if storage == "raw":
        return tf.io.serialize_tensor(pixels)
    return tf.io.encode_jpeg(pixels, "rgb", JPEG_QUALITY, chroma_downsampling=False)


def decode_stored(stored: tf.Tensor, image_size: int) -> tf.Tensor:
    """Return the pixels of a stored picture, uint8 [size, size, 3], however it is stored.

    Args:
        stored: Result of `encode_pixels`, a scalar string.
        image_size: Side of the picture, in pixels.
    """
    pixels = tf.cond(
        tf.strings.substr(stored, 0, len(JPEG_BEGIN)) == JPEG_BEGIN,
        lambda: tf.io.decode_jpeg(stored, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.parse_tensor(stored, tf.uint8),
    )
    return tf.ensure_shape(pixels, [image_size, image_size, 3])
