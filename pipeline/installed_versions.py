"""Versions of this package and of the libraries that decide its results. Imports none of them."""

from importlib import metadata

PACKAGE = "carryover"

LIBRARIES = ("tfx", "tensorflow", "keras", "apache-beam", "numpy")


def installed_version(distribution: str) -> str | None:
    """Return the installed version of a distribution; None if it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
