"""Environment variables that importing our packages sets, before TensorFlow reads them."""

import os
import platform

import pytest

from trainer_module.contract.process_environment import (
    environment_without_gpu,
    prepare_environment,
)

pytestmark = pytest.mark.component

IS_X86 = platform.machine() in ("x86_64", "AMD64")


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        pytest.param(
            "TF_ENABLE_ONEDNN_OPTS",
            "1",
            "0",
            marks=pytest.mark.skipif(not IS_X86, reason="oneDNN is for x86"),
        ),
        ("TF_FORCE_GPU_ALLOW_GROWTH", "true", "false"),
    ],
)
def test_every_command_sets_a_variable_unless_the_user_does(
    run_python, monkeypatch, name, value, other
):
    program = f"import pipeline.cli, os; print(os.environ[{name!r}])"
    monkeypatch.delenv(name, raising=False)
    assert run_python("-c", program).stdout == f"{value}\n"
    monkeypatch.setenv(name, other)
    assert run_python("-c", program).stdout == f"{other}\n"


@pytest.mark.parametrize(
    ("value", "read_by_tensorflow"),
    [("", "true"), ("True", "true"), ("1", "true"), ("FALSE", "false"), ("0", "false")],
)
def test_memory_growth_is_written_as_tensorflow_reads_it(monkeypatch, value, read_by_tensorflow):
    monkeypatch.setenv("TF_FORCE_GPU_ALLOW_GROWTH", value)
    prepare_environment()
    assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == read_by_tensorflow


def test_a_process_without_gpu_has_all_other_variables(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    environment = environment_without_gpu({"OMP_NUM_THREADS": "1"})
    assert environment["CUDA_VISIBLE_DEVICES"] == "-1"
    assert environment["OMP_NUM_THREADS"] == "1"
    assert environment["PATH"] == os.environ["PATH"]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
