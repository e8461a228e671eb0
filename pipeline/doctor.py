"""Is everything here that a run needs?"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from rich.console import Console
from rich.markup import escape

#: The two supported stacks: TFX version -> Python versions.
STACKS = {"1.16": ("3.10",), "1.21": ("3.11", "3.12", "3.13")}

LIBRARIES = ("tensorflow", "keras", "apache-beam", "tensorflow-model-analysis")

LIST_GPUS = """
import tensorflow
print(*(device.name for device in tensorflow.config.list_physical_devices("GPU")))
"""

#: Less free disk than this, in GiB, is worth a warning.
LITTLE_DISK = 5


def examine(workspace: Path) -> int:
    """Print one line per finding.

    Args:
        workspace: folder that runs will write to.

    Returns:
        Exit code: 0 when a run can work here, 1 otherwise.
    """
    console = Console()
    findings = [_stack(), *_libraries(), _devices(), _cpu_and_memory(), *_folder(workspace)]
    for good, text in findings:
        mark = "[green]+[/green]" if good else "[red]x[/red]"
        console.print(f"{mark} {escape(text)}", highlight=False, soft_wrap=True)
    return 0 if all(good for good, _ in findings) else 1


def _stack() -> tuple[bool, str]:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    try:
        tfx = metadata.version("tfx")
    except metadata.PackageNotFoundError:
        return False, "TFX is not installed. Run: make venv"
    minor = ".".join(tfx.split(".")[:2])
    supported = python in STACKS.get(minor, ())
    hint = "" if supported else f". Supported: {STACKS}. Run: make venv"
    return supported, f"TFX {tfx} on Python {platform.python_version()}{hint}"


def _libraries() -> list[tuple[bool, str]]:
    findings = []
    for name in LIBRARIES:
        try:
            findings.append((True, f"{name} {metadata.version(name)}"))
        except metadata.PackageNotFoundError:
            findings.append((False, f"{name} is not installed. Run: make venv"))
    return findings


def _devices() -> tuple[bool, str]:
    """Ask TensorFlow, in a process of its own: a broken driver can end the process that asks."""
    command = [sys.executable, "-c", LIST_GPUS]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=300, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return False, "TensorFlow did not start within 300 s"
    if answer.returncode != 0:
        last = (answer.stderr.strip().splitlines() or ["no message"])[-1]
        return False, f"TensorFlow does not start: {last}"
    gpus = answer.stdout.split()
    if gpus:
        return True, f"{len(gpus)} GPU: {', '.join(gpus)}"
    driver = shutil.which("nvidia-smi")
    hint = " There is an NVIDIA driver: add its libraries with `make gpu`." if driver else ""
    return True, f"no GPU, training runs on the CPU.{hint}"


def _cpu_and_memory() -> tuple[bool, str]:
    import psutil

    memory = psutil.virtual_memory()
    text = f"{os.cpu_count()} CPUs, {memory.available / 2**30:.0f} GiB of memory free"
    return memory.available > 3 * 2**30, text


def _folder(workspace: Path) -> list[tuple[bool, str]]:
    existing = workspace.resolve()
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free / 2**30
    findings = [(free > LITTLE_DISK, f"{free:.0f} GiB free for {workspace.resolve()}")]
    try:
        with tempfile.TemporaryFile(dir=existing):
            findings.append((True, f"{existing} can be written"))
    except OSError as error:
        findings.append((False, f"{existing} cannot be written: {error.strerror}"))
    return findings
