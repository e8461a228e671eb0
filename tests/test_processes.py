"""No process of ours starts a GPU without memory growth, and some start none.

There is no GPU here: `device_starts` lets TensorFlow list one, and records what is asked of it.
"""

import ast
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import draw_pictures
from repository import HELPERS, ROOT
from tiny_models import ColourModel, example, save_model, write_shard

from components.serving_check import probe_process
from pipeline.commands.tensorflow_settings import check_tensorflow_settings
from pipeline.running import boundary_check

pytestmark = pytest.mark.component

PACKAGES = ("pipeline", "components", "trainer_module")

#: Names by which Python starts processes.
STARTERS = {"subprocess", "multiprocessing", "ProcessPoolExecutor", "SubprocessSDKEnvironment"}
STARTERS |= {"create_subprocess_exec", "create_subprocess_shell"}
STARTERS |= {"fork", "forkpty", "posix_spawn", "posix_spawnp", "os.system", "os.popen"}

#: Modules that start a process which uses a GPU, if there is one. It inherits the environment.
WITH_GPU = {
    "components/compat/isolated_runner.py",  # Beam's workers: the Evaluator predicts in them
    "pipeline/doctor.py",  # it lists the GPUs, and starts none
    "pipeline/labelling/proposals.py",
    "pipeline/retraining/inbox_watcher.py",
    "trainer_module/multi_worker/multi_worker.py",
}

#: Modules that start a process which must not touch a GPU.
WITHOUT_GPU = {
    "components/serving_check/probe_process.py",
    "pipeline/commands/tensorflow_settings.py",
    "pipeline/inputs/parquet/parquet_table.py",
    "pipeline/overview/thumbnail_process.py",
    "pipeline/publishing/publish_process.py",
    "pipeline/running/boundary_check.py",
    "pipeline/serving/processes/job_process.py",
    "trainer_module/backbones/preset_folder.py",
}

#: Modules that start a program which is not ours: a command of the user, Git.
OTHER_PROGRAMS = {"pipeline/retraining/notices.py", "pipeline/summary/git_revision.py"}

#: Programs of ours that a terminal, another process or Kubeflow starts.
PROGRAMS = (
    "carryover_command",
    "pipeline.cli",
    "pipeline.inputs.parquet.parquet_program",
    "pipeline.kubeflow.programs.fetch_model",
    "pipeline.kubeflow.programs.finish_run",
    "pipeline.kubeflow.programs.prepare_run",
    "pipeline.kubeflow.programs.run_component",
    "pipeline.kubeflow.programs.run_pass",
    "pipeline.kubeflow.programs.summarise_run",
    "pipeline.labelling.proposal_program",
    "pipeline.overview.thumbnail_program",
    "pipeline.publishing.publish_program",
    "pipeline.serving.decoding.decoder_program",
    "pipeline.serving.processes.parser_program",
    "trainer_module.multi_worker.worker_program",
)

#: Program that ServingCheck starts, which imports nothing of ours.
PROBE = "components.serving_check.probe"

#: A process per program that imports it after TensorFlow, and runs an operation. TensorFlow is
#: imported once. `carryover_command` imports our packages when it is called.
START_DEVICES = """
import os, sys
import tensorflow as tf
folder, *programs = sys.argv[1:]
for program in programs:
    process = os.fork()
    if process == 0:
        os.environ["DEVICE_STARTS"] = os.path.join(folder, program)
        module = __import__(program, fromlist=["main"])
        if program == "carryover_command":
            sys.argv[1:] = ["--help"]
            try:
                module.main()
            except SystemExit:
                pass
        tf.constant(1) + 1
        os._exit(0)
    assert os.waitpid(process, 0)[1] == 0, program
"""

Starts = list[dict[str, Any]]


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Path and syntax tree of each module of ours."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    for path in [*paths, *ROOT.glob("*_command.py")]:
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def names(tree: ast.Module) -> set[str]:
    """Names that a module imports, uses or takes from an object."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found |= {node.attr, ast.unparse(node)}
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.name.partition(".")[0])
    return found


def recording(starts: Path) -> dict[str, str]:
    """Environment in which every process appends its starts of devices to a file."""
    environment = dict(os.environ)
    for name in ("TF_FORCE_GPU_ALLOW_GROWTH", "CUDA_VISIBLE_DEVICES"):
        environment.pop(name, None)
    path = os.pathsep.join([str(HELPERS / "device_starts"), str(ROOT)])
    return environment | {"PYTHONPATH": path, "DEVICE_STARTS": str(starts)}


def read_starts(file: Path) -> Starts:
    """Starts of devices that were recorded; none if no process has started any."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture(name="starts")
def _starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """File with the starts of devices in the processes that a test starts."""
    file = tmp_path / "starts"
    for name in ("TF_FORCE_GPU_ALLOW_GROWTH", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in recording(file).items():
        monkeypatch.setenv(name, value)
    return file


def test_each_module_that_starts_processes_is_known():
    starting = {path for path, tree in sources() if names(tree) & STARTERS}
    assert starting == WITH_GPU | WITHOUT_GPU | OTHER_PROGRAMS


@pytest.mark.parametrize("module", sorted(WITHOUT_GPU))
def test_a_process_that_needs_no_gpu_is_started_without_one(module):
    calls = [node for node in ast.walk(dict(sources())[module]) if isinstance(node, ast.Call)]
    starts = [
        call
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("run", "Popen")
        if isinstance(call.func.value, ast.Name) and call.func.value.id == "subprocess"
    ]
    environments = [word.value for call in starts for word in call.keywords if word.arg == "env"]
    assert len(environments) == len(starts) == 1
    assert sum(map(_makes_environment, calls)) == 1


def _makes_environment(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "environment_without_gpu"


def test_each_program_is_known():
    programs = {
        path.removesuffix(".py").replace("/", ".")
        for path, tree in sources()
        for node in tree.body
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)
    }
    assert programs == {*PROGRAMS, PROBE}


@pytest.fixture(name="starts_of_programs", scope="module")
def _starts_of_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the starts of devices in each program."""
    folder = tmp_path_factory.mktemp("starts")
    subprocess.run(
        [sys.executable, "-c", START_DEVICES, str(folder), *PROGRAMS],
        env=recording(folder / "all"),
        check=True,
    )
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_starts_a_gpu_with_memory_growth(starts_of_programs, program):
    starts = read_starts(starts_of_programs / program)
    assert [(start["gpus"], start["growth"]) for start in starts] == [(1, True)]


@pytest.mark.slow
def test_without_our_packages_a_gpu_would_start_without_memory_growth(starts):
    program = "import tensorflow as tf; tf.constant(1) + 1; tf.compat.v1.Session()"
    subprocess.run([sys.executable, "-c", program], check=True)
    assert [(one["gpus"], one["growth"]) for one in read_starts(starts)] == [(1, False)] * 2


@pytest.mark.slow
def test_checks_before_a_command_start_no_gpu(starts, monkeypatch):
    boundary_check._blocks.cache_clear()
    assert boundary_check._blocks("efficientnet_lite0", 64, "auto")[0] == "stem"
    monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_max_cluster_size=9")
    check_tensorflow_settings("run")
    found = read_starts(starts)
    assert len(found) == 2
    assert [start["gpus"] for start in found] == [0, 0]


@pytest.mark.slow
def test_serving_check_starts_no_gpu(starts, monkeypatch, tmp_path):
    # The probe ignores PYTHONPATH: the recording is added to its command.
    recorder = HELPERS / "device_starts" / "sitecustomize.py"
    python = tmp_path / "python"
    python.write_text(
        f"#!{sys.executable}\n"
        "import runpy, sys\n"
        f"runpy.run_path({str(recorder)!r}, run_name='sitecustomize')\n"
        "assert sys.argv[1] == '-I'\n"
        "sys.argv[:2] = []\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.delenv("PYTHONPATH")
    shard = write_shard(tmp_path / "examples", [example("day", "red", (255, 0, 0))])
    findings = probe_process.run_probe(str(save_model(tmp_path / "model", ColourModel())), [shard])
    assert findings["problems"] == []
    assert [start["gpus"] for start in read_starts(starts)] == [0]


@pytest.mark.slow
def test_ingestion_statistics_and_the_data_gate_start_no_gpu(starts, tmp_path):
    data = draw_pictures(tmp_path / "data", per_class=4)
    carryover("inspect", "--data", data, "--output", tmp_path / "out", "--set", "beam.workers=2")
    found = read_starts(starts)
    assert {start["gpus"] for start in found} == {0}
    # Pictures are decoded in Beam's workers.
    assert any("sdk_worker_main" in start["command"][-1] for start in found)


@pytest.mark.slow
def test_a_run_starts_every_gpu_with_memory_growth(starts, tmp_path):
    data = draw_pictures(tmp_path / "data")
    settings = {"image_size": 32, "frozen.epochs": 2, "fine_tuning.epochs": 0}
    pairs = [f"{key}={value}" for key, value in (settings | {"gate.min_accuracy": 0}).items()]
    options = [part for pair in pairs for part in ("--set", pair)]
    carryover("run", "--data", data, "--workspace", tmp_path / "workspace", *options)
    with_gpu = [start for start in read_starts(starts) if start["gpus"]]
    assert with_gpu
    assert all(start["growth"] for start in with_gpu)


def carryover(*arguments: object) -> None:
    """Run the command in a process that imports TensorFlow anew."""
    program = [sys.executable, "-m", "pipeline.cli", *map(str, arguments)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
