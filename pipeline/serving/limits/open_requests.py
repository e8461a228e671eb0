"""Number of requests that are complete and wait for their response."""

import contextlib
from collections.abc import Iterator

from pipeline.web.request_errors import RequestError

#: Most requests that wait for the model at a time.
MAX_OPEN_REQUESTS = 128


class OpenRequests:
    """Counts the requests that have arrived with their whole body, and refuses further ones.

    A request whose body is still on its way is not counted: a client that sends slowly keeps no
    other from the model.
    """

    def __init__(self, limit: int = MAX_OPEN_REQUESTS) -> None:
        """Start with none.

        Args:
            limit: Most open requests.
        """
        self._limit = limit
        self._num_open = 0

    def check(self) -> None:
        """Refuse a request before its body is read, if there is no room for it.

        Raises:
            RequestError: There are too many open requests, status 503.
        """
        if self._num_open >= self._limit:
            raise RequestError(503, "too many open requests, try again")

    @contextlib.contextmanager
    def count(self) -> Iterator[None]:
        """Count a request until it has its response.

        Raises:
            RequestError: There are too many open requests, status 503.
        """
        self.check()
        self._num_open += 1
        try:
            yield
        finally:
            self._num_open -= 1
