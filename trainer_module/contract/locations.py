"""Where a picture lies: a root folder and a path, either of which may be remote."""

import posixpath
import re

_URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


def is_uri(path: str) -> bool:
    """Whether a path begins with a scheme, such as gs://."""
    return _URI.match(path) is not None


def locate(root: str, path: str) -> str:
    """Join a root and a path; an absolute path and a URI are returned as they are.

    Args:
        root: local folder or URI; "" is the working directory.
        path: may be relative to `root`, and may leave it through `..`.
    """
    if is_uri(path):
        return path
    joined = posixpath.join(root, path)
    if not is_uri(joined) or not {".", ".."} & set(path.split("/")):
        return joined
    # An object store takes dots for a part of the name.
    scheme, _, place = joined.partition("://")
    return f"{scheme}://{posixpath.normpath(place)}"
