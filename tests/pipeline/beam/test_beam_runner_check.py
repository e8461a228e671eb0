"""An unavailable Beam runner is reported before a run begins."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.beam.beam_runner_check import check_beam_runner
from pipeline.config.beam_options import BeamOptions, Runner
from pipeline.config.run_config import RunConfig
from pipeline.running.local_run import run_pipeline
from trainer_module.contract.errors import InputError


@pytest.fixture
def port() -> Iterator[int]:
    """A port that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def java(tmp_path, monkeypatch) -> Path:
    """A machine with Java."""
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return program


def options_of(runner: Runner, **options: str | bool) -> BeamOptions:
    return BeamOptions(runner=runner, options={"environment_type": "DOCKER", **options})


def test_runners_that_accept_connections_are_available(port, java):
    for address in (f"127.0.0.1:{port}", f"http://127.0.0.1:{port}"):
        check_beam_runner(options_of("flink", flink_master=address))
    check_beam_runner(options_of("spark", spark_master_url=f"spark://127.0.0.1:{port}"))
    check_beam_runner(options_of("portable", job_endpoint=f"127.0.0.1:{port}"))


def test_addresses_without_a_port_are_not_checked(java):
    check_beam_runner(options_of("flink", flink_master="[local]"))
    check_beam_runner(options_of("flink", flink_master="[auto]"))
    check_beam_runner(options_of("spark", spark_master_url="local[4]"))
    check_beam_runner(options_of("spark", spark_master_url="local[*]"))
    check_beam_runner(options_of("spark", spark_master_url="yarn"))
    check_beam_runner(BeamOptions())


def test_the_address_of_a_runner_that_is_down_is_named_before_a_run_begins(closed, java, tmp_path):
    options = options_of("flink", flink_master=f"127.0.0.1:{closed}")
    config = RunConfig(data=str(tmp_path / "data"), workspace=tmp_path / "workspace", beam=options)
    with pytest.raises(InputError, match=rf"beam.options.flink_master.*127.0.0.1:{closed}"):
        run_pipeline(config)
    assert not config.workspace.exists()


def test_a_text_that_is_no_address_is_refused():
    with pytest.raises(InputError, match="runner:http is not an address"):
        check_beam_runner(options_of("portable", job_endpoint="runner:http"))


@pytest.mark.parametrize("runner", ["flink", "spark"])
def test_java_is_required_where_the_job_server_runs_on_this_machine(runner, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    addresses = {"flink_master": "[local]", "spark_master_url": "local"}
    with pytest.raises(InputError, match=f"{runner} needs Java"):
        check_beam_runner(options_of(runner, **addresses))
    check_beam_runner(options_of(runner, **addresses, **{f"{runner}_submit_uber_jar": True}))


def test_a_missing_jar_is_named(java):
    there, missing = str(java), str(java.with_name("job.jar"))
    check_beam_runner(options_of("flink", flink_master="[local]", flink_job_server_jar=there))
    with pytest.raises(InputError, match=f"flink_job_server_jar.*{missing} does not exist"):
        check_beam_runner(options_of("flink", flink_master="[local]", flink_job_server_jar=missing))
