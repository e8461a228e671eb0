"""Errors that users are told in one line."""


class InputError(ValueError):
    """Something the user gave is wrong: exit code 2.

    The message says what, where and what to do, in one line.
    """
