"""What can be wrong with a request."""


class RequestError(Exception):
    """A request that is answered with an error.

    Attributes:
        status: of HTTP.
        message: what the client is told, in one line.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class RefusedError(Exception):
    """The model takes none of a batch, because something in it cannot be read."""
