"""Read locks: files with the versions and the hashes of packages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from bootstrap import ROOT, STACKS

_FIRST_LINE = re.compile(r"([A-Za-z0-9][\w.-]*)==([^\s;]+)(?: ; (.+?))? \\")


class LockedPackage(NamedTuple):
    """One version of a package in a lock.

    Attributes:
        name: Normalised name.
        version: Version.
        marker: Condition under which it is installed; "" for always.
        requirement: Its lines in the lock, with the hashes.
    """

    name: str
    version: str
    marker: str
    requirement: str


def read_lock(path: Path) -> list[LockedPackage]:
    """Read the packages of a lock in their order."""
    packages = []
    lines = iter(path.read_text(encoding="utf-8").splitlines())
    for line in lines:
        found = _FIRST_LINE.fullmatch(line)
        if found:
            name, version, marker = found.groups(default="")
            requirement = [line]
            while requirement[-1].endswith("\\"):
                requirement.append(next(lines))
            packages.append(LockedPackage(name, version, marker, "\n".join(requirement)))
    return packages


def production_locks() -> dict[str, list[LockedPackage]]:
    """Return the packages that production installs, by the name of the lock."""
    names = [stack.lock(kind) for stack in STACKS for kind in ("", "-gpu")]
    return {name: read_lock(ROOT / name) for name in names}
