"""Requests for the name of another host are refused."""

import pytest

from pipeline.web.allowed_hosts import AllowedHosts, is_loopback
from trainer_module.contract.errors import InputError


def status(hosts: AllowedHosts, *values: str) -> int | None:
    error = hosts.find_error([(b"host", value.encode("latin-1")) for value in values])
    return error.status if error else None


@pytest.mark.parametrize(
    "value",
    [
        "localhost",
        "LocalHost:8501",
        "localhost.",
        "models.localhost:80",
        "127.0.0.1:8501",
        "127.1.2.3",
        "[::1]:8501",
        "10.0.0.7:8501",
        "models.example.com",
        "Models.Example.COM:443",
    ],
)
def test_own_names_and_addresses_are_allowed(value):
    assert status(AllowedHosts(["models.example.com"]), value) is None


@pytest.mark.parametrize(
    "value",
    [
        "attacker.example",
        "localhost.attacker.example",
        "127.0.0.1.attacker.example",
        "notlocalhost",
        "models.example.com.attacker.example",
        "2130706433.attacker",
        "[attacker.example]",
        "[::1]attacker.example",
        "[::1]attacker.example:80",
        "localhost:80.attacker.example",
        "127.0.0.1:8501:attacker.example",
        "[::1",
        "",
        "\xff\x00",
    ],
)
def test_other_names_are_refused(value):
    assert status(AllowedHosts(["models.example.com"]), value) == 421


def test_the_error_says_how_to_allow_a_name_and_repeats_no_control_characters():
    error = AllowedHosts([]).find_error([(b"host", b"shop.example\x1b[2J:80")])
    assert error is not None
    assert "--allowed-host shop.example\\x1b[2J" in error.message


def test_two_hosts_are_an_error_and_no_host_is_that_of_an_old_client():
    assert status(AllowedHosts([]), "localhost", "attacker.example") == 400
    assert status(AllowedHosts([])) is None


def test_nothing_is_refused_if_the_check_is_off():
    assert status(AllowedHosts([], is_checked=False), "anything") is None


@pytest.mark.parametrize(
    "name", ["http://models", "models:80", "*.example.com", "", "bücher.example"]
)
def test_what_is_not_a_name_is_an_input_error(name):
    with pytest.raises(InputError, match="is not the name of a host"):
        AllowedHosts([name])


def test_the_loopback_is_known_in_both_families():
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert not is_loopback("0.0.0.0")  # noqa: S104 - it is not bound
    assert not is_loopback("fe80::1%eth0")
