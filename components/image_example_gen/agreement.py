"""Do TensorFlow and Pillow see the same picture in the same bytes?"""

import numpy as np
from PIL import Image

#: Largest mean difference per pixel, of 255, that rounding in two JPEG decoders explains.
TOLERANCE = 2.0


def reads_alike(content: bytes, image: Image.Image) -> bool:
    """Decode with TensorFlow, and compare.

    A file that Pillow reads and TensorFlow does not would end a whole run in Transform.

    Args:
        content: bytes of the file.
        image: what Pillow reads in them, mode RGB.
    """
    import tensorflow as tf

    try:
        with tf.device("/cpu:0"):
            pixels = tf.io.decode_image(content, channels=3, expand_animations=False).numpy()
    except tf.errors.InvalidArgumentError:
        return False
    expected = np.asarray(image)
    if pixels.shape != expected.shape:
        return False
    return float(np.abs(pixels.astype(np.int16) - expected).mean()) <= TOLERANCE
