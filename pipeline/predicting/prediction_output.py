"""Formats in which predictions are printed: lines, CSV and JSON Lines."""

import csv
import json
import sys
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.markup import escape


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
        self._console, self._errors = Console(), Console(stderr=True)

    def classified(self, path: Path, label: str, confidence: float) -> None:
        """See `PredictionOutput`."""
        text = f"{printable(path)}  {printable(label)}  {confidence:.3f}"
        self._console.print(escape(text), highlight=False, soft_wrap=True)

    def unusable(self, path: Path, reason: str) -> None:
        """See `PredictionOutput`."""
        text = f"{escape(printable(path))}: {escape(reason)}"
        self._errors.print(text, highlight=False, soft_wrap=True)


class CsvOutput:
    """One row of CSV per picture, after a header."""

    def __init__(self) -> None:
        self._rows = csv.writer(sys.stdout, lineterminator="\n")
        self._rows.writerow(("path", "label", "confidence", "reason"))

    def classified(self, path: Path, label: str, confidence: float) -> None:
        """See `PredictionOutput`."""
        self._rows.writerow((printable(path), printable(label), f"{confidence:.6g}", ""))

    def unusable(self, path: Path, reason: str) -> None:
        """See `PredictionOutput`."""
        self._rows.writerow((printable(path), "", "", reason))


class JsonOutput:
    """One JSON object per line and picture."""

    def classified(self, path: Path, label: str, confidence: float) -> None:
        """See `PredictionOutput`."""
        row = {"path": printable(path), "label": printable(label)}
        print(json.dumps(row | {"confidence": float(f"{confidence:.6g}")}))

    def unusable(self, path: Path, reason: str) -> None:
        """See `PredictionOutput`."""
        print(json.dumps({"path": printable(path), "reason": reason}))


def printable(text: str | Path) -> str:
    """Return a path or a label with U+FFFD in place of every byte that is not UTF-8.

    Args:
        text: Text in which such bytes are surrogate escapes, as in the names of files.
    """
    return str(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
