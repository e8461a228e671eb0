"""The header with the domain of a client."""

import pytest

from pipeline.serving.sampling.client_domain import read_client_domain
from pipeline.web.request_errors import RequestError


@pytest.mark.parametrize(
    ("values", "domain"),
    [
        ([], None),
        ([b"night"], "night"),
        ([b" night shift "], "night shift"),
        (["K\u00fcche".encode()], "K\u00fcche"),
        ([b"K%C3%BCche"], "K\u00fcche"),
        ([b"50%"], "50%"),
    ],
)
def test_a_domain_is_utf_8_and_may_be_percent_encoded(values, domain):
    assert read_client_domain(values) == domain


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([b""], "the name is empty"),
        ([b"../night"], "holds a slash"),
        ([b"..%2Fnight"], "holds a slash"),
        ([b"ni%00ght"], "not printable"),
        ([b"_unlabelled"], "begin with _"),
        ([b"\xff"], "it is not UTF-8"),
        ([b"x" * 300], "longer than"),
        ([b"day", b"night"], "given 2 times"),
    ],
)
def test_what_no_folder_of_a_domain_can_be_named_is_refused(values, reason):
    with pytest.raises(RequestError, match=reason) as error:
        read_client_domain(values)
    assert error.value.status == 400
    assert error.value.message.startswith("header carryover-domain: ")
