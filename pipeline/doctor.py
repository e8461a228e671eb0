"""`carryover doctor`: check that this machine has what a run needs."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from pipeline.installed_versions import installed_version
from pipeline.terminal.safe_console import SafeConsole, plain
from trainer_module.contract.child_process import isolated_python

#: The supported stacks: version of TFX -> versions of Python.
STACKS = {"1.16": ("3.10",), "1.21": ("3.11", "3.12", "3.13")}

LIBRARIES = ("tensorflow", "keras", "apache-beam", "tensorflow-model-analysis")

LIST_GPUS = """
import tensorflow
print(*(device.name for device in tensorflow.config.list_physical_devices("GPU")))
"""

#: Free disk space, in GiB, that a run should have.
MIN_FREE_DISK = 5

#: Free memory, in GiB, that a run should have.
MIN_FREE_MEMORY = 3


class Check(NamedTuple):
    """Result of one check."""

    passed: bool
    text: str


def examine(workspace: Path) -> int:
    """Print one line per check.

    Args:
        workspace: Folder that runs will write to. It need not exist.

    Returns:
        Exit code: 0 if a run can work here, 1 otherwise.
    """
    console = SafeConsole()
    checks = [_stack(), *_libraries(), _devices(), _cpu_and_memory(), *_folder(workspace)]
    for check in checks:
        mark = "[green]+[/green]" if check.passed else "[red]x[/red]"
        console.print(f"{mark} {plain(check.text)}", highlight=False, soft_wrap=True)
    return 0 if all(check.passed for check in checks) else 1


def _stack() -> Check:
    """Check the versions of Python and TFX."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    tfx = installed_version("tfx")
    if tfx is None:
        return Check(False, "TFX is not installed. Run: make venv")
    minor = ".".join(tfx.split(".")[:2])
    supported = python in STACKS.get(minor, ())
    hint = "" if supported else f". Supported: {STACKS}. Run: make venv"
    return Check(supported, f"TFX {tfx} on Python {platform.python_version()}{hint}")


def _libraries() -> list[Check]:
    versions = {name: installed_version(name) for name in LIBRARIES}
    return [
        Check(True, f"{name} {version}")
        if version
        else Check(False, f"{name} is not installed. Run: make venv")
        for name, version in versions.items()
    ]


def _devices() -> Check:
    """List the GPUs in another process, because a broken driver can crash TensorFlow."""
    command = isolated_python(LIST_GPUS)
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return Check(False, "TensorFlow did not start within 300 s")
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return Check(False, f"TensorFlow does not start: {last}")
    gpus = done.stdout.split()
    if gpus:
        return Check(True, f"{len(gpus)} GPU: {', '.join(gpus)}")
    driver = shutil.which("nvidia-smi")
    hint = " An NVIDIA driver is installed: add its libraries with `make gpu`." if driver else ""
    return Check(True, f"no GPU, training runs on the CPU.{hint}")


def _cpu_and_memory() -> Check:
    from trainer_module.contract.machine_memory import available_memory

    memory = available_memory()
    text = f"{os.cpu_count()} CPUs, {memory / 2**30:.0f} GiB of memory free"
    return Check(memory > MIN_FREE_MEMORY * 2**30, text)


def _folder(workspace: Path) -> list[Check]:
    """Check the disk of the workspace, or of its nearest parent folder that exists."""
    existing = workspace.resolve()
    while not os.path.exists(existing):  # noqa: PTH110 (Path.exists raises where it may not look)
        existing = existing.parent
    free = shutil.disk_usage(existing).free / 2**30
    checks = [Check(free > MIN_FREE_DISK, f"{free:.0f} GiB free for {workspace.resolve()}")]
    try:
        with tempfile.TemporaryFile(dir=existing):
            checks.append(Check(True, f"{existing} is writable"))
    except OSError as error:
        checks.append(Check(False, f"{existing} is not writable: {error.strerror}"))
    return checks
