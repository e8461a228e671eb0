"""Options about the pictures that are kept."""

import pytest

from pipeline.serving.sampling.sampling_options import SamplingOptions, parse_sampling_options
from trainer_module.contract.errors import InputError


def test_nothing_is_kept_unless_a_rate_is_given():
    assert parse_sampling_options(None, None, None) is None
    assert parse_sampling_options(0.0, "1GB", "day") is None


def test_the_limit_is_a_gigabyte_and_the_domain_unknown_by_default():
    assert parse_sampling_options(0.1, None, None) == SamplingOptions(0.1, 10**9, "")
    assert parse_sampling_options(1, "2 GiB", " day ") == SamplingOptions(1, 2 * 2**30, "day")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((float("nan"), None, None), "--sample-requests: nan is no share"),
        ((1.5, None, None), "--sample-requests: 1.5 is no share"),
        ((0.1, "many", None), "--sample-limit: 'many' is no size"),
        ((0.1, "1MB", None), "--sample-limit: 1MB is too small. Give 10MB at least"),
        ((0.1, None, "a/b"), "--domain: 'a/b': the name holds a slash"),
        ((0.0, None, "a/b"), "--domain: 'a/b': the name holds a slash"),
        ((None, "1GB", None), "--sample-limit goes with --sample-requests"),
        ((None, None, "day"), "--domain goes with --sample-requests"),
    ],
)
def test_wrong_values_name_their_option(values, message):
    with pytest.raises(InputError) as error:
        parse_sampling_options(*values)
    assert str(error.value).startswith(message)
