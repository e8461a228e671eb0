"""How much disk files take, and how much is free once they are removed."""

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

#: Bytes of the blocks in `os.stat_result.st_blocks`.
_BLOCK = 512


def freed_bytes(paths: Iterable[Path], without: Collection[Path] = ()) -> int:
    """Return the bytes of disk that are free once some files and folders are removed.

    A file with several names counts once, and only if all its names are removed.

    Args:
        paths: Files and folders. One that does not exist has no size.
        without: Files below them that stay.
    """
    names: dict[tuple[int, int], int] = {}
    total = 0
    for status in _statuses(paths, frozenset(without)):
        file = (status.st_dev, status.st_ino)
        names[file] = names.get(file, 0) + 1
        if names[file] == status.st_nlink:
            total += status.st_blocks * _BLOCK
    return total


def _statuses(paths: Iterable[Path], without: frozenset[Path]) -> Iterator[os.stat_result]:
    for path in paths:
        if path.is_symlink() or not path.is_dir():
            if path not in without and os.path.lexists(path):
                yield path.lstat()
            continue
        for folder, _, files in os.walk(path):
            for name in files:
                file = Path(folder, name)
                if file not in without:
                    yield file.lstat()


def readable_size(number: int) -> str:
    """Return a size as people read it, such as `21.3 MB`."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if number >= factor:
            return f"{number / factor:,.1f} {unit}"
    return f"{number / 1000:,.0f} KB"
