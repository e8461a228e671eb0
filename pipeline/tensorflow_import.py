"""Import of TensorFlow without its start-up messages, for commands that print results."""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator

#: Value of `TF_CPP_MIN_LOG_LEVEL` that hides all messages but fatal ones.
_SILENT = "3"


def import_tensorflow_quietly() -> None:
    """Import TensorFlow, and hide its start-up messages and the warnings of what it imports.

    An environment variable `TF_CPP_MIN_LOG_LEVEL` that is already set wins.
    """
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", _SILENT)
    hidden = _hidden_native_messages() if level == _SILENT else contextlib.nullcontext()
    with warnings.catch_warnings(), hidden:
        warnings.simplefilter("ignore")
        import tensorflow  # noqa: F401


@contextlib.contextmanager
def _hidden_native_messages() -> Iterator[None]:
    """Hide what native code writes to stderr: TensorFlow 2.21 does so at every level."""
    if sys.stderr is not None:
        sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
