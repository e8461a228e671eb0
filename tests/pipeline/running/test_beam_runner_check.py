"""An engine that cannot be had is said at once."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config.beam_options import BeamOptions, Runner
from pipeline.config.run_config import RunConfig
from pipeline.running.beam_runner_check import check_engine
from pipeline.running.local_run import run_pipeline
from trainer_module.contract.errors import InputError


@pytest.fixture
def port() -> Iterator[int]:
    """Somebody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed() -> int:
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


def engine(runner: Runner, **options: str | bool) -> BeamOptions:
    return BeamOptions(runner=runner, options={"environment_type": "DOCKER", **options})


def test_engines_that_answer_are_taken(port, java):
    for address in (f"127.0.0.1:{port}", f"http://127.0.0.1:{port}"):
        check_engine(engine("flink", flink_master=address))
    check_engine(engine("spark", spark_master_url=f"spark://127.0.0.1:{port}"))
    check_engine(engine("portable", job_endpoint=f"127.0.0.1:{port}"))


def test_what_has_no_port_is_left_to_beam(java):
    check_engine(engine("flink", flink_master="[local]"))
    check_engine(engine("spark", spark_master_url="local[4]"))
    check_engine(engine("spark", spark_master_url="yarn"))
    check_engine(BeamOptions())


def test_an_engine_that_is_down_is_named_before_a_run_begins(closed, java, tmp_path):
    options = engine("flink", flink_master=f"127.0.0.1:{closed}")
    config = RunConfig(data=str(tmp_path / "data"), workspace=tmp_path / "workspace", beam=options)
    with pytest.raises(InputError, match=rf"beam.options.flink_master.*127.0.0.1:{closed}"):
        run_pipeline(config)
    assert not config.workspace.exists()


def test_an_address_that_is_none_is_refused():
    with pytest.raises(InputError, match="engine:http is no address"):
        check_engine(engine("portable", job_endpoint="engine:http"))


@pytest.mark.parametrize("runner", ["flink", "spark"])
def test_java_is_asked_for_where_the_job_server_runs_here(runner, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    addresses = {"flink_master": "[local]", "spark_master_url": "local"}
    with pytest.raises(InputError, match=f"{runner} needs Java"):
        check_engine(engine(runner, **addresses))
    check_engine(engine(runner, **addresses, **{f"{runner}_submit_uber_jar": True}))


def test_a_jar_that_is_not_there_is_named(java):
    there, missing = str(java), str(java.with_name("job.jar"))
    check_engine(engine("flink", flink_master="[local]", flink_job_server_jar=there))
    with pytest.raises(InputError, match=f"flink_job_server_jar.*no file {missing}"):
        check_engine(engine("flink", flink_master="[local]", flink_job_server_jar=missing))
