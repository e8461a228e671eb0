"""Errors that users see as one line."""


class InputError(ValueError):
    """Error in what the user gave: data, config or command line. The exit code is 2.

    The message tells in one line what happened, where, and what to do.
    """


class UnavailableError(InputError):
    """A store, a folder or a file is unavailable for now; the same input can be read later."""
