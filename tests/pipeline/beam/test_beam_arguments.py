"""Arguments of Beam, for this machine and for runners on other machines."""

import os
import tarfile

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners import create_runner
from apache_beam.runners.portability import local_job_service
from apache_beam.runners.portability.stager import Stager

from components.compat.beam_internals import FN_API_RUNNER, ISOLATED_RUNNER
from pipeline.beam.beam_arguments import SETUP_FILE, beam_arguments
from pipeline.config.beam_options import BeamOptions
from pipeline.config.config_file import load_config
from trainer_module.contract.errors import InputError

pytestmark = pytest.mark.component

DOCKER = {"environment_type": "DOCKER"}
RUNNER_OPTIONS = {
    "flink": {"flink_master": "flink:8081", **DOCKER},
    "spark": {"spark_master_url": "spark://master:7077", **DOCKER},
    "dataflow": {"project": "p", "region": "r", "temp_location": "gs://bucket/tmp"},
    "portable": {"job_endpoint": "runner:8099", **DOCKER},
}


def test_auto_starts_one_process_per_core_only_for_very_many_pictures():
    assert "--direct_num_workers=1" in beam_arguments(BeamOptions(), 10_000)
    cores = min(os.cpu_count() or 1, 8)
    assert f"--direct_num_workers={cores}" in beam_arguments(BeamOptions(), 1_000_000)


@pytest.mark.parametrize(("workers", "runner"), [(1, FN_API_RUNNER), (3, ISOLATED_RUNNER)])
def test_several_workers_are_processes_and_one_is_this_process(workers: int, runner: str):
    arguments = beam_arguments(BeamOptions(workers=workers), 1)
    assert f"--runner={runner}" in arguments
    assert f"--direct_num_workers={workers}" in arguments


@pytest.mark.parametrize("runner", RUNNER_OPTIONS)
def test_beam_accepts_the_arguments_of_every_runner(runner: str):
    arguments = beam_arguments(BeamOptions(runner=runner, options=RUNNER_OPTIONS[runner]), 1)
    found = PipelineOptions(arguments).get_all_options()
    assert RUNNER_OPTIONS[runner].items() <= found.items()
    assert found["setup_file"] == str(SETUP_FILE)
    assert type(create_runner(found["runner"])).__name__ == found["runner"]


@pytest.mark.parametrize("runner", RUNNER_OPTIONS)
def test_a_runner_without_a_required_option_is_refused_in_one_line(runner: str):
    for name in RUNNER_OPTIONS[runner]:
        rest = {key: value for key, value in RUNNER_OPTIONS[runner].items() if key != name}
        with pytest.raises(InputError, match=f"beam.runner {runner} needs beam.options {name}"):
            load_config(None, [f"beam={{runner: {runner}, options: {rest}}}"], {"data": "d"})


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["beam.options={flink_master: a}"], ["require a beam.runner other than direct"]),
        (["beam.runner=flinck"], ["beam.runner", "'flink'"]),
        (
            ["beam.runner=flink", "beam.options={flink_master: a, environment_type: VM}"],
            ["environment_type", "EXTERNAL"],
        ),
        (
            ["beam.runner=flink", "beam.options={flink_master: a, environment_type: EXTERNAL}"],
            ["EXTERNAL needs environment_config"],
        ),
    ],
)
def test_a_wrong_option_is_refused_before_anything_starts(overrides: list[str], words: list[str]):
    with pytest.raises(InputError) as error:
        load_config(None, overrides, {"data": "d"})
    assert all(word in str(error.value) for word in words)


def test_an_option_that_beam_does_not_know_is_refused_with_a_similar_one():
    options = {**RUNNER_OPTIONS["flink"], "paralelism": 4}
    with pytest.raises(InputError, match=r"beam.options.paralelism.*'parallelism'"):
        beam_arguments(BeamOptions(runner="flink", options=options), 1)


def test_workers_are_sent_the_whole_package(tmp_path):
    arguments = beam_arguments(BeamOptions(runner="flink", options=RUNNER_OPTIONS["flink"]), 1)
    Stager.create_job_resources(PipelineOptions(arguments), str(tmp_path))
    [archive] = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as package:
        sent = {name.partition("/")[2] for name in package.getnames()}
    root = SETUP_FILE.parent
    folders = (root / name for name in ("pipeline", "components", "trainer_module"))
    ours = {
        str(path.relative_to(root))
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert ours <= sent


def test_workers_that_have_the_package_are_not_sent_it():
    options = {**RUNNER_OPTIONS["dataflow"], "sdk_container_image": "image", "streaming": False}
    arguments = beam_arguments(BeamOptions(runner="dataflow", options=options), 1)
    assert "--sdk_container_image=image" in arguments
    assert not [one for one in arguments if "setup_file" in one or "streaming" in one]


def test_a_job_server_runs_a_pipeline_under_these_arguments(tmp_path):
    server = local_job_service.LocalJobServicer(str(tmp_path / "staging"))
    port = server.start_grpc_server(0)
    try:
        options = {"job_endpoint": f"localhost:{port}", "environment_type": "LOOPBACK"}
        arguments = beam_arguments(BeamOptions(runner="portable", options=options), 1)
        with beam.Pipeline(options=PipelineOptions(arguments)) as pipeline:
            squares = pipeline | beam.Create([1, 2, 3]) | beam.Map(lambda n: n * n)
            _ = squares | beam.io.WriteToText(str(tmp_path / "out"), num_shards=1)
    finally:
        server.stop()
    [written] = tmp_path.glob("out*")
    assert sorted(written.read_text().split()) == ["1", "4", "9"]
