"""The error that ends a build."""


class BuildError(Exception):
    """The pictures cannot be built; the message says what to do."""
