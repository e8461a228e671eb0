"""Ways to print predictions: for people, as CSV, as JSON."""

import csv
import json
import os
import sys
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.markup import escape


class Output(Protocol):
    """Where predictions go, one by one."""

    def classified(self, path: Path, label: str, confidence: float) -> None:
        """A picture was classified."""

    def unusable(self, path: Path, reason: str) -> None:
        """A picture could not be read."""


class Lines:
    """A line each; what could not be read is told on stderr."""

    def __init__(self) -> None:
        self._console, self._errors = Console(), Console(stderr=True)

    def classified(self, path: Path, label: str, confidence: float) -> None:
        """See `Output`."""
        text = f"{shown(path)}  {label}  {confidence:.3f}"
        self._console.print(escape(text), highlight=False, soft_wrap=True)

    def unusable(self, path: Path, reason: str) -> None:
        """See `Output`."""
        text = f"{escape(shown(path))}: {escape(reason)}"
        self._errors.print(text, highlight=False, soft_wrap=True)


class Csv:
    """A row each, with a heading."""

    def __init__(self) -> None:
        self._rows = csv.writer(sys.stdout, lineterminator="\n")
        self._rows.writerow(("path", "label", "confidence", "reason"))

    def classified(self, path: Path, label: str, confidence: float) -> None:
        """See `Output`."""
        self._rows.writerow((shown(path), label, f"{confidence:.6g}", ""))

    def unusable(self, path: Path, reason: str) -> None:
        """See `Output`."""
        self._rows.writerow((shown(path), "", "", reason))


class Json:
    """A JSON object per line."""

    def classified(self, path: Path, label: str, confidence: float) -> None:
        """See `Output`."""
        row = {"path": shown(path), "label": label, "confidence": float(f"{confidence:.6g}")}
        print(json.dumps(row))

    def unusable(self, path: Path, reason: str) -> None:
        """See `Output`."""
        print(json.dumps({"path": shown(path), "reason": reason}))


def shown(path: Path) -> str:
    """A path as text; what is no UTF-8 in a file's name cannot be printed."""
    return os.fsencode(path).decode("utf-8", "replace")
