"""Errors of requests."""


class RequestError(Exception):
    """A request that gets an error as its response.

    Attributes:
        status: HTTP status.
        message: Message to the client, in one line.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class UnreadableInputError(Exception):
    """A batch that the model fails on, because an instance in it cannot be decoded."""
