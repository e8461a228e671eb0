"""A text stream on which nothing but printable characters and line ends can be printed."""

import contextlib
from collections.abc import Iterator
from typing import Any, TextIO, cast

from trainer_module.contract.output_text.credentials import masked_text
from trainer_module.contract.printable_names import printable_lines


class UnwritableStreamError(OSError):
    """What is printed cannot be written, such as to a file on a full disk."""


@contextlib.contextmanager
def _named_errors() -> Iterator[None]:
    """Tell an error of a stream from one of a file. The end of a pipe stays what it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UnwritableStreamError(error.errno, error.strerror) from error


class _CheckedStream:
    """Stands for a stream, and raises `UnwritableStreamError` where it cannot be written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text; return the number of its characters."""
        with _named_errors():
            return self._stream.write(text)

    def flush(self) -> None:
        """Write the buffer."""
        with _named_errors():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        if name == "_stream":
            raise AttributeError(name)
        return getattr(self._stream, name)


class PrintableStream:
    """Stands for `sys.stdout` or `sys.stderr`, and escapes what is not printable.

    All that Python code prints goes through it: our lines, usage errors, tracebacks, logs and
    warnings of libraries. It has the attributes of the stream but `buffer`, which would bypass it.
    """

    def __init__(self, stream: TextIO, masks: bool) -> None:
        """Wrap a stream.

        Args:
            stream: Stream to write to.
            masks: Whether to mask credentials, too. Data on stdout must stay as they are.
        """
        self._stream = cast(TextIO, _CheckedStream(stream))
        self._masks = masks

    @property
    def rich_proxied_file(self) -> TextIO:
        """Stream for Rich, which writes colours; `safe_console` escapes its texts."""
        return self._stream

    def write(self, text: str) -> int:
        """Write a text; return the number of its characters."""
        printable = printable_lines(text)
        self._stream.write(masked_text(printable) if self._masks else printable)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        if name in ("buffer", "_stream"):
            raise AttributeError(name)
        return getattr(self._stream, name)
