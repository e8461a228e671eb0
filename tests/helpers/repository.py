"""Folders of this repository, for tests that read its files or start programs with its modules."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HELPERS = ROOT / "tests" / "helpers"
