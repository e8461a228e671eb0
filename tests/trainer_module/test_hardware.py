"""Devices can only be divided before TensorFlow initialises them: these cases have processes."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from ports import free_ports
from repository import HELPERS, ROOT
from trainer_fixtures import fn_args

from trainer_module.contract.errors import InputError
from trainer_module.export.model_description import read_description
from trainer_module.export.saved_model import load_classifier
from trainer_module.hardware import check_gpu_sharing
from trainer_module.training import run_fn

pytestmark = pytest.mark.component

TWO_DEVICES = """
import json, sys, tensorflow as tf
from dataclasses import replace
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from pathlib import Path
from tiny_backbone import tiny_backbone
from trainer_fixtures import fn_args
from trainer_module import hardware, training
from trainer_module.export.model_description import read_description

def two_cpus(precision):
    on_cpu = hardware.set_up_hardware(precision)
    strategy = hardware.create_strategy([d.name for d in tf.config.list_logical_devices("CPU")])
    return replace(on_cpu, strategy=strategy)

training.set_up_hardware = two_cpus
args = fn_args(Path(sys.argv[1]), {})
with tiny_backbone():
    training.run_fn(args)
replicas = hardware.create_strategy(["/cpu:0", "/cpu:1"]).num_replicas_in_sync
print(json.dumps({"replicas": replicas, **read_description(args.serving_model_dir)["training"]}))
"""

WORKER = """
import json, sys
from types import SimpleNamespace
from tiny_backbone import tiny_backbone
from trainer_module.training import run_fn

with tiny_backbone():
    run_fn(SimpleNamespace(**json.loads(sys.argv[1])))
"""

PATHS = {"PYTHONPATH": f"{ROOT}:{HELPERS}", "PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"}


def run(code: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=PATHS, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def cluster(*workers: str) -> str:
    return json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": 0}})


def test_two_workers_on_one_host_must_not_share_its_gpu(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("TF_CONFIG", cluster("one:1", "one:2", "two:1"))
    with pytest.raises(InputError, match="names 2 workers on one, and each would take the same 1"):
        check_gpu_sharing(1)
    check_gpu_sharing(0)  # without a GPU there is nothing to share
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    check_gpu_sharing(1)


def test_workers_on_different_hosts_use_the_gpus_there(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("TF_CONFIG", cluster("one:1", "two:1"))
    check_gpu_sharing(1)
    monkeypatch.delenv("TF_CONFIG")
    check_gpu_sharing(4)


@pytest.fixture
def float32_afterwards() -> Iterator[None]:
    """Undo the precision that a training sets for the whole process."""
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.slow
def test_two_devices_train_the_same_two_stages(tmp_path):
    report = run(TWO_DEVICES, tmp_path)
    assert report["replicas"] == 2
    assert report["frozen"]["accuracy"] == 1.0
    assert report["fine_tuned"]["epochs"] == 2


@pytest.mark.slow
def test_mixed_precision_trains_and_exports(float32_afterwards, registered, tmp_path):
    args = fn_args(tmp_path, {"precision": "mixed_bfloat16"})
    run_fn(args)
    report = read_description(args.serving_model_dir)["training"]
    assert "mixed_bfloat16" in report["device"]
    assert report["frozen"]["accuracy"] == 1.0
    assert report["fine_tuned"]["epochs"] == 2


@pytest.mark.slow
def test_two_workers_get_the_result_of_one_and_the_chief_writes_it(trained, registered, tmp_path):
    ports = free_ports(2)
    workers = [work(trained, tmp_path / str(index), ports, index) for index in range(2)]
    finish(*workers)
    assert not (tmp_path / "1" / "model").exists()

    folders = [trained.serving_model_dir, str(tmp_path / "0" / "model")]
    one, two = (read_description(folder)["training"] for folder in folders)
    assert "2 workers" in two["device"]
    assert two["chosen"] == one["chosen"]
    for stage in ("frozen", "fine_tuned"):
        assert two[stage]["domain_accuracy"] == one[stage]["domain_accuracy"]
        losses = [[epoch["loss"] for epoch in report[stage]["curve"]] for report in (one, two)]
        np.testing.assert_allclose(*losses, rtol=1e-4)
    weights = [load_classifier(folder).get_weights() for folder in folders]
    for first, second in zip(*weights, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-4)


def work(
    args: SimpleNamespace, folder: Path, ports: Sequence[int], index: int
) -> subprocess.Popen[str]:
    """Start the training of one of several workers on this machine."""
    folders = {"serving_model_dir": str(folder / "model"), "model_run_dir": str(folder / "run")}
    cluster = {
        "cluster": {"worker": [f"127.0.0.1:{port}" for port in ports]},
        "task": {"type": "worker", "index": index},
    }
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, json.dumps(vars(args) | folders)],
        env=PATHS | {"TF_CONFIG": json.dumps(cluster)},
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*processes: subprocess.Popen[str]) -> None:
    """Wait for processes, and stop all of them when one fails."""
    try:
        for process in processes:
            _, errors = process.communicate(timeout=300)
            assert process.returncode == 0, errors[-2000:]
    finally:
        for process in processes:
            process.kill()
            process.wait()
