"""The limit of requests that wait for the model."""

import pytest

from pipeline.serving.limits.open_requests import OpenRequests
from pipeline.web.request_errors import RequestError


def test_a_request_beyond_the_limit_is_refused_until_another_is_complete():
    requests = OpenRequests(1)
    with requests.count():
        with (
            pytest.raises(RequestError, match="too many open requests") as refused,
            requests.count(),
        ):
            pass
        assert refused.value.status == 503
        with pytest.raises(RequestError):
            requests.check()
    requests.check()
    with requests.count():
        pass
