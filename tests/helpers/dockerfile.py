"""Reads the Dockerfile."""

import fnmatch
import shlex
import string

from repository import ROOT


def instructions() -> list[tuple[str, str]]:
    """(instruction, rest) in their order, continued lines joined, base images named."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    whole = text.replace("\\\n", "").splitlines()
    found = [(name, rest) for name, _, rest in (line.partition(" ") for line in whole if line)]
    first = [name for name, _ in found].index("FROM")
    defaults = dict(rest.split("=", 1) for _, rest in found[:first])
    return [
        (name, string.Template(rest).substitute(defaults) if name == "FROM" else rest)
        for name, rest in found[first:]
    ]


def values(name: str) -> list[str]:
    """What stands behind an instruction, wherever it is used."""
    return [rest for found, rest in instructions() if found == name]


def copied() -> list[str]:
    """Files and folders that come from the repository."""
    local = [shlex.split(rest) for rest in values("COPY") if not rest.startswith("--from")]
    return [source for words in local for source in words[:-1]]


def is_let_through(source: str) -> bool:
    """Whether .dockerignore leaves a file or folder in."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return any(fnmatch.fnmatch(source, line[1:]) for line in lines if line.startswith("!"))
