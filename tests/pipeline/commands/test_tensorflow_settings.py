"""Variables of TensorFlow that a user has set."""

import subprocess

import pytest

from pipeline.commands import tensorflow_settings
from pipeline.commands.tensorflow_settings import check_tensorflow_settings, unusual_variables
from trainer_module.contract.errors import InputError

#: What TensorFlow 2.16 prints before it aborts.
FATAL = {
    "XLA_FLAGS=--bogus=1": (
        "2026-11-26 04:53:49.36: F external/local_xla/xla/parse_flags_from_env.cc:225] Unknown "
        "flags in XLA_FLAGS: --bogus=1 \n"
    ),
    "TF_DETERMINISTIC_OPS=maybe": (
        "I0000 service.cc:153] Host\n2026-11-26: F external/local_tsl/determinism.cc:35] "
        "Non-OK-status: Failed to parse the env-var ${TF_DETERMINISTIC_OPS}\n*** Check failure\n"
    ),
    "TF_NEW_FLAGS=x": "Traceback (most recent call last):\nValueError: x is unknown.\n",
}


@pytest.fixture(autouse=True)
def _no_variables_of_this_machine(monkeypatch):
    for variable in unusual_variables(dict(tensorflow_settings.os.environ)):
        monkeypatch.delenv(variable.partition("=")[0])


@pytest.fixture(name="started")
def _started(monkeypatch):
    """Return the processes that were started, each with a result that is given."""
    calls = []

    def run(command, **options):
        calls.append(options["env"])
        code, errors = calls_result[0]
        return subprocess.CompletedProcess(command, code, "", errors)

    calls_result = [(0, "")]
    monkeypatch.setattr(tensorflow_settings.subprocess, "run", run)
    calls.append(calls_result)
    return calls


@pytest.mark.parametrize("variable", FATAL)
def test_a_variable_under_which_tensorflow_ends_is_one_line_with_its_message(
    monkeypatch, started, variable
):
    name, value = variable.split("=", 1)
    monkeypatch.setenv(name, value)
    started[0][0] = (-6, FATAL[variable])
    with pytest.raises(InputError) as error:
        check_tensorflow_settings("run")
    message = str(error.value)
    assert message.startswith(f"TensorFlow cannot start with {variable}: ")
    assert message.endswith(f". Correct it, or unset {name}.")
    assert name in message.split(": ", 1)[1]
    assert "\n" not in message
    assert "external/" not in message


def test_the_trial_takes_no_gpu_and_joins_no_training(monkeypatch, started):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/tmp/x")
    monkeypatch.setenv("TF_CONFIG", "{}")
    check_tensorflow_settings("run")
    [environment] = started[1:]
    assert environment["CUDA_VISIBLE_DEVICES"] == "-1"
    assert "TF_CONFIG" not in environment


@pytest.mark.parametrize(
    ("name", "value", "command"),
    [
        ("TF_ENABLE_ONEDNN_OPTS", "0", "run"),
        ("TF_FORCE_GPU_ALLOW_GROWTH", "True", "serve"),
        ("TF_CONFIG", '{"cluster": 1}', "run"),
        ("TF_GPU_ALLOCATOR", "cuda_malloc_async", "run"),
        ("TF_DUMP_GRAPH_PREFIX", "graphs/all", "run"),
        ("TF_XLA_FLAGS", "", "run"),
        ("XLA_FLAGS", "--bogus", "versions"),
        ("XLA_FLAGS", "--bogus", "history"),
    ],
)
def test_usual_variables_and_commands_without_tensorflow_start_nothing(
    monkeypatch, started, name, value, command
):
    monkeypatch.setenv(name, value)
    check_tensorflow_settings(command)
    assert started[1:] == []


@pytest.mark.component
@pytest.mark.parametrize("flags", ["--no_such_flag=1"])
def test_tensorflow_itself_refuses_unknown_flags(run_python, monkeypatch, flags):
    monkeypatch.setenv("TF_XLA_FLAGS", flags)
    done = run_python("-m", "pipeline.cli", "doctor", "--workspace", "w")
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    # TensorFlow 2.21 writes "flag" where 2.16 writes "flags".
    assert line.replace("Unknown flags", "Unknown flag") == (
        f"carryover: TensorFlow cannot start with TF_XLA_FLAGS={flags}: Unknown flag in "
        f"TF_XLA_FLAGS: {flags}. Correct it, or unset TF_XLA_FLAGS."
    )
