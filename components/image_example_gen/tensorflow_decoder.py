"""TensorFlow's image decoder, as training and serving call it."""

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt


def decode_image(content: bytes) -> npt.NDArray[np.uint8] | None:
    """Decode a picture as TensorFlow reads it.

    Transform would fail for a whole run at a file that TensorFlow cannot read, so ingestion tries
    it first. No GPU is started for it.

    Args:
        content: Bytes of a file.

    Returns:
        RGB pixels, uint8 [height, width, 3]; None if TensorFlow cannot read the file.
    """
    import tensorflow as tf

    try:
        return _decoder()(content)
    except tf.errors.InvalidArgumentError:
        return None


@functools.cache
def _decoder() -> Callable[[bytes], npt.NDArray[np.uint8]]:
    """Return TensorFlow's decoder in a session without GPUs, which threads may share.

    Eager mode starts all devices with the first operation, wherever that is placed, and a device
    cannot be hidden again from the training that follows in this process. A session starts those
    that its config asks for, see `device_count` in TensorFlow's config.proto.
    """
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        content = tf.compat.v1.placeholder(tf.string, [])
        pixels = tf.io.decode_image(content, channels=3, expand_animations=False)
    config = tf.compat.v1.ConfigProto(device_count={"GPU": 0})
    session = tf.compat.v1.Session(graph=graph, config=config)
    decode: Callable[[bytes], npt.NDArray[np.uint8]] = session.make_callable(pixels, [content])
    return decode
