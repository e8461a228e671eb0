"""Messages that native libraries print on the terminal by themselves."""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def hidden_native_messages() -> Iterator[None]:
    """Hide what is printed to stderr in the block, including output of C and C++ libraries.

    Libtiff prints a line for every damaged strip, and TensorFlow 2.21 prints at every log level.
    """
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
