"""Formats in which predictions are printed: lines, CSV and JSON Lines."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.terminal.plain_lines import json_line
from pipeline.terminal.safe_console import SafeConsole, plain
from trainer_module.contract.output_text.spreadsheet_csv import SpreadsheetWriter
from trainer_module.contract.printable_names import printable_name

#: What is shown for a version that was exported without novelty and acceptance.
NOT_KNOWN = "novelty not known"


@dataclass(frozen=True)
class PredictionCheck:
    """What a model says about its own prediction.

    Attributes:
        novelty: Novelty of the picture, 0 to 1; 0.5 is usual.
        accepted: Whether confidence and novelty are inside the limits of the model.
    """

    novelty: float
    accepted: bool

    @property
    def text(self) -> str:
        """Novelty and acceptance in words."""
        verdict = "accepted" if self.accepted else "not accepted"
        return f"novelty {self.novelty:.3f}, {verdict}"


class PredictionOutput(Protocol):
    """Output that predictions are printed to, one by one."""

    def classified(
        self, path: Path, label: str, confidence: float, check: PredictionCheck | None
    ) -> None:
        """Print the prediction for a picture.

        Args:
            path: Path of the picture.
            label: Predicted class.
            confidence: Probability of the predicted class.
            check: What the model says about the prediction; None for a version that was exported
                without it.
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

    def classified(
        self, path: Path, label: str, confidence: float, check: PredictionCheck | None
    ) -> None:
        """See `PredictionOutput`."""
        about = check.text if check else NOT_KNOWN
        text = f"{printable(path)}  {printable(label)}  {confidence:.3f}  {about}"
        self._console.print(plain(text), highlight=False, soft_wrap=True)

    def unusable(self, path: Path, reason: str) -> None:
        """See `PredictionOutput`."""
        text = f"{plain(printable(path))}: {plain(reason)}"
        self._errors.print(text, highlight=False, soft_wrap=True)


class CsvOutput:
    """One row of CSV per picture, after a header. It is safe to open in a spreadsheet."""

    def __init__(self) -> None:
        columns = ("path", "label", "confidence", "reason", "novelty", "accepted")
        self._rows = SpreadsheetWriter(sys.stdout, columns, line_end="\n")

    def classified(
        self, path: Path, label: str, confidence: float, check: PredictionCheck | None
    ) -> None:
        """See `PredictionOutput`."""
        checked = (f"{check.novelty:.6g}", str(check.accepted).lower()) if check else ("", "")
        self._write(printable(path), printable(label), f"{confidence:.6g}", "", *checked)

    def unusable(self, path: Path, reason: str) -> None:
        """See `PredictionOutput`."""
        self._write(printable(path), "", "", reason, "", "")

    def _write(self, *texts: str) -> None:
        self._rows.write_row(map(printable_name, texts))


class JsonOutput:
    """One JSON object per line and picture."""

    def classified(
        self, path: Path, label: str, confidence: float, check: PredictionCheck | None
    ) -> None:
        """See `PredictionOutput`."""
        row = {
            "path": printable(path),
            "label": printable(label),
            "confidence": float(f"{confidence:.6g}"),
            "novelty": float(f"{check.novelty:.6g}") if check else None,
            "accepted": check.accepted if check else None,
        }
        print(json_line(row))

    def unusable(self, path: Path, reason: str) -> None:
        """See `PredictionOutput`."""
        print(json_line({"path": printable(path), "reason": reason}))


def printable(text: str | Path) -> str:
    """Return a path or a label with U+FFFD in place of every byte that is not UTF-8.

    Args:
        text: Text in which such bytes are surrogate escapes, as in the names of files.
    """
    return str(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
