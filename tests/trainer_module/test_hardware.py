"""Devices can only be divided before TensorFlow initialises them: these cases have processes."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import warm_process
import worker_activations
from ports import free_ports
from trainer_fixtures import TUNING, fn_args

from trainer_module.contract.errors import InputError
from trainer_module.export.model_description import read_description
from trainer_module.export.saved_model import load_classifier
from trainer_module.hardware import check_gpu_sharing, set_up_hardware
from trainer_module.training import run_fn

pytestmark = pytest.mark.component


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
@pytest.mark.parametrize("trainable_from", ["0.5", "all"])
def test_two_devices_train_the_same_two_stages(tmp_path, trained, registered, trainable_from):
    one = trained  # with the default, 0.5
    if trainable_from != "0.5":
        tuning = TUNING | {"trainable_from": trainable_from}
        one = fn_args(tmp_path / "one", {"fine_tuning": tuning})
        run_fn(one)
    expected = read_description(one.serving_model_dir)["training"]["fine_tuned"]
    arguments = [str(tmp_path / "two"), trainable_from]
    done = warm_process.run("two_device_training", arguments, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["replicas"] == 2
    assert report["frozen"]["accuracy"] == 1.0
    assert report["fine_tuned"]["epochs"] == 2
    losses = [
        [epoch["loss"] for epoch in part["curve"]] for part in (expected, report["fine_tuned"])
    ]
    np.testing.assert_allclose(*losses, rtol=1e-3)


@pytest.mark.slow
def test_mixed_precision_trains_and_exports(float32_afterwards, registered, tmp_path):
    args = fn_args(tmp_path, {"precision": "mixed_bfloat16"})
    run_fn(args)
    report = read_description(args.serving_model_dir)["training"]
    assert "mixed_bfloat16" in report["device"]
    assert report["frozen"]["accuracy"] == 1.0
    assert report["fine_tuned"]["epochs"] == 2


@pytest.mark.slow
def test_workers_have_the_activations_that_one_process_computes(tmp_path):
    for name in ("one", "three"):
        worker_activations.write_splits(tmp_path / name)
    ports = free_ports(3)
    folders = [tmp_path / str(index) for index in range(3)]
    workers = [
        start_worker(
            "worker_activations", [str(tmp_path / "three"), str(folder)], folder, ports, index
        )
        for index, folder in enumerate(folders)
    ]
    wait_for(workers, folders)
    expected = worker_activations.compute(tmp_path / "one", tmp_path / "run", set_up_hardware())
    assert len(expected["train-4"]) == 4  # views of the new pictures alone
    for folder in folders:
        with np.load(folder / "results.npz") as results:
            assert set(results) == set(expected)
            for name, values in expected.items():
                np.testing.assert_allclose(results[name], values, atol=1e-3, err_msg=name)
    sizes = [
        [path.stat().st_size for path in sorted((tmp_path / name / "cache").rglob("*.bin"))]
        for name in ("one", "three")
    ]
    assert sizes[0] == sizes[1]  # the chief has cached every picture, and once


@pytest.mark.slow
def test_two_workers_get_the_result_of_one_and_the_chief_writes_it(trained, registered, tmp_path):
    ports = free_ports(2)
    folders = [tmp_path / str(index) for index in range(2)]
    workers = [work(trained, folder, ports, index) for index, folder in enumerate(folders)]
    wait_for(workers, folders)
    assert not (tmp_path / "1" / "model").exists()

    models = [trained.serving_model_dir, str(tmp_path / "0" / "model")]
    one, two = (read_description(model)["training"] for model in models)
    assert "2 workers" in two["device"]
    assert two["chosen"] == one["chosen"]
    for stage in ("frozen", "fine_tuned"):
        assert two[stage]["domain_accuracy"] == one[stage]["domain_accuracy"]
        losses = [[epoch["loss"] for epoch in report[stage]["curve"]] for report in (one, two)]
        np.testing.assert_allclose(*losses, rtol=1e-4)
    weights = [load_classifier(model).get_weights() for model in models]
    for first, second in zip(*weights, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-4)


def work(
    args: SimpleNamespace, folder: Path, ports: Sequence[int], index: int
) -> warm_process.WarmProcess:
    """Start the training of one of several workers on this machine."""
    folders = {"serving_model_dir": str(folder / "model"), "model_run_dir": str(folder / "run")}
    arguments = [json.dumps(vars(args) | folders)]
    return start_worker("worker_training", arguments, folder, ports, index)


def start_worker(
    module: str, arguments: list[str], folder: Path, ports: Sequence[int], index: int
) -> warm_process.WarmProcess:
    """Start a program as one of several workers on this machine."""
    folder.mkdir()
    cluster = {
        "cluster": {"worker": [f"127.0.0.1:{port}" for port in ports]},
        "task": {"type": "worker", "index": index},
    }
    return warm_process.start(
        module,
        arguments,
        stdout=folder / "stdout",
        stderr=folder / "stderr",
        environment=os.environ | {"TF_CONFIG": json.dumps(cluster)},
    )


def wait_for(workers: Sequence[warm_process.WarmProcess], folders: Sequence[Path]) -> None:
    """Wait until all workers have ended well."""
    try:
        for worker, folder in zip(workers, folders, strict=True):
            assert worker.wait(300) == 0, (folder / "stderr").read_text()[-2000:]
    finally:
        for worker in workers:
            worker.kill_group()
