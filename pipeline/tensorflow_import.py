"""Import of TensorFlow without its start-up messages, for commands that print results."""

import contextlib
import os
import warnings

from pipeline.terminal.native_messages import hidden_native_messages

#: Value of `TF_CPP_MIN_LOG_LEVEL` that hides all messages but fatal ones.
_SILENT = "3"


def import_tensorflow_quietly() -> None:
    """Import TensorFlow, and hide its start-up messages and the warnings of what it imports.

    An environment variable `TF_CPP_MIN_LOG_LEVEL` that is already set wins.
    """
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", _SILENT)
    hidden = hidden_native_messages() if level == _SILENT else contextlib.nullcontext()
    with warnings.catch_warnings(), hidden:
        warnings.simplefilter("ignore")
        import tensorflow  # noqa: F401
