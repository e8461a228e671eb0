"""Import of TensorFlow without its start-up messages, for commands that print results."""

import os
import warnings


def import_tensorflow_quietly() -> None:
    """Import TensorFlow, and hide its start-up messages and the warnings of what it imports.

    An environment variable `TF_CPP_MIN_LOG_LEVEL` that is already set wins.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow  # noqa: F401
