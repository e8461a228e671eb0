"""What the server is configured with."""

import resource

import pytest
from starlette.applications import Starlette

from pipeline.serving.limits.connection_limits import ConnectionLimits
from pipeline.serving.server import choose_hosts, http_config
from pipeline.serving.server_metrics import ServerMetrics
from trainer_module.contract.errors import InputError


def test_names_of_the_host_are_checked_on_the_loopback_or_if_they_are_given(caplog):
    other = [(b"host", b"attacker.example")]
    assert choose_hosts("127.0.0.1", []).find_error(other)
    assert not caplog.records
    assert not choose_hosts("0.0.0.0", []).find_error(other)  # noqa: S104 - it is not bound
    assert choose_hosts("::", ["models.example"]).find_error(other)
    first, second = (record.message for record in caplog.records)
    assert first.startswith("listening on 0.0.0.0: whoever can reach this machine")
    assert "--allowed-host" in first
    assert "--allowed-host" not in second
    with pytest.raises(InputError):
        choose_hosts("127.0.0.1", ["http://models.example"])


def test_connections_leave_half_of_the_open_files_to_everything_else(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda what: (100, 100))
    config = http_config(Starlette(), ServerMetrics(lambda: 0), ConnectionLimits())
    assert config.http.limits.connections == 50
