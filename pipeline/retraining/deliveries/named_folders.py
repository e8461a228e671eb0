"""Folders in the inbox that hold the pictures of a manifest, and are no deliveries themselves."""

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from pipeline.inputs.allowed_roots import AllowedRoots
from pipeline.inputs.manifest import read_manifest_paths
from trainer_module.contract.locations import is_uri, locate

#: Folders that manifests name, by manifest and its stamp: a watcher looks again and again.
_read: dict[tuple[Any, ...], frozenset[str]] = {}

#: Most manifests whose folders are kept in memory.
MAX_KEPT = 1000


def named_folders(
    inbox: Path, manifests: Iterable[tuple[Path, AllowedRoots]], folders: Collection[str]
) -> frozenset[str]:
    """Return which folders hold a file that a manifest names.

    A manifest that did not change since the last call is not read again.

    Args:
        inbox: Path of the inbox.
        manifests: Paths of manifests, and where their files may be.
        folders: Names of the folders in the inbox that are looked for.
    """
    found: set[str] = set()
    top = os.path.realpath(inbox)
    for path, roots in manifests:
        # The intake of the manifest tells what is wrong with it. What it names before counts.
        with contextlib.suppress(Exception):
            found.update(_folders_of_manifest(os.path.realpath(path), roots, top))
    return frozenset(found & set(folders))


def _folders_of_manifest(location: str, roots: AllowedRoots, top: str) -> Iterator[str]:
    """Yield the folders in the inbox whose files a manifest names."""
    status = os.stat(location)  # noqa: PTH116 (any name)
    stamp = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    key = (location, top, roots.find_fault(location), *stamp)
    if key in _read:
        yield from _read[key]
        return
    folders: set[str] = set()
    for name in read_manifest_paths(location, roots):
        folder = _top_folder(locate(os.path.dirname(location), name), top)  # noqa: PTH120
        folders.add(folder)
        yield folder
    _keep(key, frozenset(folders))


def _keep(key: tuple[Any, ...], folders: frozenset[str]) -> None:
    if len(_read) >= MAX_KEPT:
        _read.clear()
    _read[key] = folders


def _top_folder(location: str, inbox: str) -> str:
    """Return the name of the folder in the inbox that a file is in; "" for any other file."""
    if is_uri(location):
        return ""
    top, separator, _ = os.path.relpath(location, inbox).partition(os.sep)
    return top if separator and top != os.pardir else ""
