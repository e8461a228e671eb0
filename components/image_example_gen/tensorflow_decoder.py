"""TensorFlow's decoder, as training and serving call it."""

import numpy as np


def decode(content: bytes) -> np.ndarray | None:
    """Pixels as TensorFlow reads them.

    A file that TensorFlow cannot read would end a whole run in Transform.

    Args:
        content: bytes of a file.

    Returns:
        uint8 [height, width, 3], RGB; None where TensorFlow cannot read the file.
    """
    import tensorflow as tf

    try:
        with tf.device("/cpu:0"):
            return tf.io.decode_image(content, channels=3, expand_animations=False).numpy()
    except tf.errors.InvalidArgumentError:
        return None
