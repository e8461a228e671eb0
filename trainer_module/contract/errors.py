"""Errors that users see as one line."""

from trainer_module.contract.output_text.credentials import masked_text
from trainer_module.contract.printable_names import printable_name


class InputError(ValueError):
    """Error in what the user gave: data, config or command line. The exit code is 2.

    The message tells in one line what happened, where, and what to do. It may be printed, logged
    and sent as it is: what is not printable in it is escaped, and credentials are masked.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(safe_message(str(message)))


class DataError(InputError):
    """Error in the pictures or their table; with other pictures, the same command may succeed."""


class UnavailableError(InputError):
    """A store, a folder or a file is unavailable for now; the same input can be read later."""


def safe_message(text: str) -> str:
    """Return the message of any error on one line, printable and without credentials."""
    return masked_text(printable_name(text))
