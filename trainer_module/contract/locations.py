"""Paths and URIs of pictures and folders, and how they are joined."""

import os
import posixpath
import re
from urllib.parse import unquote

_URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")

_LOCAL_URI = re.compile(r"file://(localhost)?(?=/)", re.IGNORECASE)


def is_uri(path: str) -> bool:
    """Return whether a path begins with a scheme, such as gs://."""
    return _URI.match(path) is not None


def local_path(path: str) -> str:
    """Return the path that a file:// URI of this machine names; any other path as it is.

    Args:
        path: Path or URI.

    Example:
        >>> from trainer_module.contract.locations import local_path
        >>> local_path("file:///data/a%20b.png")
        '/data/a b.png'
    """
    found = _LOCAL_URI.match(path)
    return unquote(path[found.end() :]) if found else path


def expand_home(path: str) -> str:
    """Return a path with `~` at its start replaced by the home folder, if there is one."""
    return os.path.expanduser(path)  # noqa: PTH111  Path.expanduser fails for an unknown user


def locate(root: str, path: str) -> str:
    """Join a root and a path; an absolute path and a URI are returned as they are.

    Args:
        root: Local folder or URI; "" is the working directory.
        path: Path relative to `root`, which may leave it through `..`, absolute path, or URI.

    Example:
        >>> from trainer_module.contract.locations import locate
        >>> locate("/data", "day/cat/1.png")
        '/data/day/cat/1.png'
        >>> locate("gs://bucket/data", "../other/1.png")
        'gs://bucket/other/1.png'
        >>> locate("/data", "s3://bucket/1.png")
        's3://bucket/1.png'
    """
    if is_uri(path):
        return path
    joined = posixpath.join(root, path)
    if not is_uri(joined) or not {".", ".."} & set(path.split("/")):
        return joined
    # For an object store, "." and ".." are ordinary parts of a name.
    scheme, _, name = joined.partition("://")
    return f"{scheme}://{posixpath.normpath(name)}"
