"""Check of environment variables under which TensorFlow ends the process without an error."""

import os
import re
import subprocess
from collections.abc import Mapping

from trainer_module.contract.child_process import isolated_python
from trainer_module.contract.errors import InputError
from trainer_module.contract.process_environment import environment_without_gpu

#: Commands that never start TensorFlow.
WITHOUT_TENSORFLOW = frozenset({"history", "manifest", "report", "rollback", "versions"})

#: Variables of TensorFlow that hold text. A wrong value is no reason for it to end.
_TEXTS = frozenset({"TF_CONFIG", "TF_GPU_ALLOCATOR", "TF_KERAS"})
_TEXT = re.compile(r".*_(PATH|DIR|FILE|PREFIX)")

#: Values of the others that are most likely right.
_PLAIN = re.compile(r"-?\d*|true|false", re.IGNORECASE)

#: Number of seconds that TensorFlow may need to start.
_TIMEOUT = 300

#: The variables are read at the start, by the first operation or by the first compilation.
_PROGRAM = """
import tensorflow as tf
kernel = tf.ones([1, 1, 1, 1])
compiled = tf.function(lambda x: tf.nn.conv2d(x, kernel, 1, 'SAME'), jit_compile=True)
compiled(tf.random.normal([1, 2, 2, 1]))
tf.nn.conv2d(tf.ones([1, 2, 2, 1]), kernel, 1, 'SAME')
"""


def check_tensorflow_settings(command: str) -> None:
    """Start TensorFlow in another process, if unusual variables for it are set.

    TensorFlow reads them when it needs them, and aborts the process at the first wrong one.

    Args:
        command: Name of the command that is about to run.

    Raises:
        InputError: TensorFlow ends under these variables.
    """
    unusual = unusual_variables(os.environ)
    if not unusual or command in WITHOUT_TENSORFLOW:
        return
    # Without a GPU: the check holds no memory of it, and a wrong value is wrong without one, too.
    environment = environment_without_gpu({"TF_CPP_MIN_LOG_LEVEL": "3"})
    environment.pop("TF_CONFIG", None)
    program = isolated_python(f"exec({_PROGRAM!r})")
    try:
        done = subprocess.run(
            program,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return  # the machine is busy; the command itself will tell
    if done.returncode:
        raise InputError(
            f"TensorFlow cannot start with {', '.join(unusual)}: {_last_message(done.stderr)}. "
            f"Correct {'it' if len(unusual) == 1 else 'them'}, or unset "
            f"{' '.join(name.partition('=')[0] for name in unusual)}."
        )


def unusual_variables(environment: Mapping[str, str]) -> list[str]:
    """Return the variables of TensorFlow and XLA that may be wrong, as `NAME=value`.

    Args:
        environment: All variables.
    """
    return [
        f"{name}={value}"
        for name, value in sorted(environment.items())
        if name.startswith(("TF_", "XLA_"))
        if name not in _TEXTS and not _TEXT.fullmatch(name) and not _PLAIN.fullmatch(value.strip())
    ]


def _last_message(output: str) -> str:
    """Return the fatal message of TensorFlow, or the last line of a traceback."""
    fatal = re.findall(r"^.*\bF(?:\d{4})? .*?\.cc:\d+\] (.+)$", output, re.MULTILINE)
    lines = fatal or [line for line in output.splitlines() if line.strip()] or ["no message"]
    return " ".join(lines[-1].split()).rstrip(".")
