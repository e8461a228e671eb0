"""Environment variables that importing our packages sets, before TensorFlow reads them."""

import platform

import pytest

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
