"""A text stream on which nothing but printable characters and line ends can be printed."""

from typing import Any, TextIO

from trainer_module.contract.output_text.credentials import masked_text
from trainer_module.contract.printable_names import printable_lines


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
        self._stream = stream
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
