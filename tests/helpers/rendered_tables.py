"""Reads tables as they are drawn on a terminal."""

import re


def row(text: str, name: str) -> list[str]:
    """The cells of the first row whose first cell begins with a name."""
    lines = (line.strip() for line in text.splitlines())
    return re.split(r"\s{2,}", next(line for line in lines if line.startswith(name)))
