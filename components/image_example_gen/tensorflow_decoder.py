"""TensorFlow's image decoder, as training and serving call it."""

import numpy as np
import numpy.typing as npt


def decode_image(content: bytes) -> npt.NDArray[np.uint8] | None:
    """Decode a picture as TensorFlow reads it.

    Transform would fail for a whole run at a file that TensorFlow cannot read, so ingestion tries
    it first.

    Args:
        content: Bytes of a file.

    Returns:
        RGB pixels, uint8 [height, width, 3]; None if TensorFlow cannot read the file.
    """
    import tensorflow as tf

    try:
        with tf.device("/cpu:0"):
            pixels: npt.NDArray[np.uint8] = tf.io.decode_image(
                content, channels=3, expand_animations=False
            ).numpy()
    except tf.errors.InvalidArgumentError:
        return None
    return pixels
