"""Folders in the inbox that hold the pictures of a manifest, and are no deliveries themselves."""

import contextlib
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from pipeline.inputs.allowed_roots import AllowedRoots
from pipeline.inputs.manifest import read_manifest_paths
from trainer_module.contract.locations import is_uri, locate


def named_folders(
    inbox: Path, manifests: Iterable[tuple[Path, AllowedRoots]], folders: Collection[str]
) -> frozenset[str]:
    """Return which folders hold a file that a manifest names.

    Args:
        inbox: Path of the inbox.
        manifests: Paths of manifests, and where their files may be.
        folders: Names of the folders in the inbox that are looked for.
    """
    found: set[str] = set()
    top = os.path.realpath(inbox)
    for path, roots in manifests:
        location = os.path.realpath(path)
        # The intake of the manifest tells what is wrong with it.
        with contextlib.suppress(Exception):
            for name in read_manifest_paths(location, roots):
                if found.issuperset(folders):
                    break
                found.add(_top_folder(locate(os.path.dirname(location), name), top))  # noqa: PTH120
    return frozenset(found & set(folders))


def _top_folder(location: str, inbox: str) -> str:
    """Return the name of the folder in the inbox that a file is in; "" for any other file."""
    if is_uri(location):
        return ""
    top, separator, _ = os.path.relpath(location, inbox).partition(os.sep)
    return top if separator and top != os.pardir else ""
