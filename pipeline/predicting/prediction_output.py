"""Formats in which predictions are printed: lines, CSV and JSON Lines."""

import sys
from pathlib import Path
from typing import Protocol

from pipeline.terminal.plain_lines import json_line
from pipeline.terminal.safe_console import SafeConsole, plain
from trainer_module.contract.output_text.spreadsheet_csv import SpreadsheetWriter
from trainer_module.contract.printable_names import printable_name


class PredictionOutput(Protocol):
    """Output that predictions are printed to, one by one."""

    def classified(self, path: Path, label: str, confidence: float) -> None:
        """Print the prediction for a picture.

        Args:
            path: Path of the picture.
            label: Predicted class.
            confidence: Probability of the predicted class.
        """

    def unusable(self, path: Path, reason: str) -> None:
        """Print why a picture is not classified.

        Args:
            path: Path of the picture.
            reason: Reason, without a full stop.
        """


class LineOutput:
    """One line of text per picture; unusable pictures are printed on stderr."""

    def __init__(self) -> None:
        self._console, self._errors = SafeConsole(), SafeConsole(stderr=True)

    def classified(self, path: Path, label: str, confidence: float) -> None:
        """See `PredictionOutput`."""
        text = f"{printable(path)}  {printable(label)}  {confidence:.3f}"
        self._console.print(plain(text), highlight=False, soft_wrap=True)

    def unusable(self, path: Path, reason: str) -> None:
        """See `PredictionOutput`."""
        text = f"{plain(printable(path))}: {plain(reason)}"
        self._errors.print(text, highlight=False, soft_wrap=True)


class CsvOutput:
    """One row of CSV per picture, after a header. It is safe to open in a spreadsheet."""

    def __init__(self) -> None:
        columns = ("path", "label", "confidence", "reason")
        self._rows = SpreadsheetWriter(sys.stdout, columns, line_end="\n")

    def classified(self, path: Path, label: str, confidence: float) -> None:
        """See `PredictionOutput`."""
        self._write(printable(path), printable(label), f"{confidence:.6g}", "")

    def unusable(self, path: Path, reason: str) -> None:
        """See `PredictionOutput`."""
        self._write(printable(path), "", "", reason)

    def _write(self, *texts: str) -> None:
        self._rows.write_row(map(printable_name, texts))


class JsonOutput:
    """One JSON object per line and picture."""

    def classified(self, path: Path, label: str, confidence: float) -> None:
        """See `PredictionOutput`."""
        row = {"path": printable(path), "label": printable(label)}
        print(json_line(row | {"confidence": float(f"{confidence:.6g}")}))

    def unusable(self, path: Path, reason: str) -> None:
        """See `PredictionOutput`."""
        print(json_line({"path": printable(path), "reason": reason}))


def printable(text: str | Path) -> str:
    """Return a path or a label with U+FFFD in place of every byte that is not UTF-8.

    Args:
        text: Text in which such bytes are surrogate escapes, as in the names of files.
    """
    return str(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
