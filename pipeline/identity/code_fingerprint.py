"""Digest of our code and of the libraries beneath it, so that a cache notices a change."""

import functools
import hashlib
from collections.abc import Iterable
from importlib import metadata

from pipeline.identity.source_tree import (
    imported_libraries,
    source_file,
    with_imported_modules,
)

#: Distributions whose names differ from those of their packages by more than case, "-" and "_".
DISTRIBUTIONS = {"PIL": "pillow", "tensorflow_serving": "tensorflow-serving-api"}

#: Libraries that decide no output. Pydantic validates options, and the validated options are
#: execution properties themselves. psutil tells how much memory there is, and CRC32C whether a file
#: is damaged.
NEUTRAL = frozenset({"pydantic", "psutil", "google_crc32c"})


def code_fingerprint(modules: Iterable[str], libraries: Iterable[str] = ()) -> str:
    """Return a digest of modules, of what they import of ours, and of the libraries they use.

    Imports are followed through our own modules. Of a library only its version counts.

    Args:
        modules: Dotted names, such as `trainer_module.data.preprocessing`.
        libraries: Distributions that decide the result without being imported by our modules.

    Returns:
        SHA-256, in hex.
    """
    reached = with_imported_modules(modules)
    digest = hashlib.sha256()
    for name in sorted(reached):
        path = source_file(name)
        if path is not None:
            digest.update(f"{name}\0".encode() + path.read_bytes())
    for library in sorted(used_libraries(reached) | set(libraries)):
        digest.update(f"{library}=={_version(library)}\n".encode())
    return digest.hexdigest()


def used_libraries(modules: Iterable[str]) -> set[str]:
    """Return the distributions that modules import and that may decide what they compute.

    Args:
        modules: Dotted names of our modules; imports are not followed.
    """
    packages = imported_libraries(modules) - NEUTRAL
    return {DISTRIBUTIONS.get(package, package.replace("_", "-")).lower() for package in packages}


@functools.cache  # a running process keeps the library that it has loaded
def _version(distribution: str) -> str:
    """Installed version; empty for a library that is not installed, such as one of an extra."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
