"""Read the file of a config, whatever it is: a file, a pipe, a device or a file of any size."""

import os
import select
import stat
import time
from io import FileIO
from pathlib import Path

from pipeline.config.parsing.yaml_loader import MAX_LENGTH
from trainer_module.contract.errors import InputError

#: Seconds in which a pipe must deliver the whole config, such as `--config <(make-config)`.
PIPE_SECONDS = 10.0


def read_config_content(path: Path) -> bytes:
    """Return the content of a config file.

    Args:
        path: Path of a file, or of a pipe that something writes into, such as /dev/stdin.

    Raises:
        OSError: The file cannot be read.
        InputError: It has more than `MAX_LENGTH` bytes, or a pipe delivers nothing.
    """
    # A pipe that nothing writes into would keep `open` waiting for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with FileIO(descriptor) as file:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        content = file.read(MAX_LENGTH + 1) if is_file else _read_pipe(file, path)
    if len(content) > MAX_LENGTH:
        raise InputError(
            f"config file {path} is larger than {MAX_LENGTH // 1024} KiB. Give a config, a YAML "
            "file with the keys of configs/folders.yaml."
        )
    return content


def _read_pipe(file: FileIO, path: Path) -> bytes:
    """Read to the end, at most one byte more than `MAX_LENGTH`."""
    content, end = b"", time.monotonic() + PIPE_SECONDS
    while len(content) <= MAX_LENGTH:
        part = file.read(MAX_LENGTH + 1 - len(content))
        if part == b"":
            break
        content += part or b""
        if part is None:  # whoever writes into the pipe has not finished
            ready, _, _ = select.select([file], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise _pipe_error(path, f"is a pipe without an end after {PIPE_SECONDS:g} s")
    if not content:
        raise _pipe_error(path, "is a pipe or a device, and nothing writes into it")
    return content


def _pipe_error(path: Path, problem: str) -> InputError:
    return InputError(f"config file {path} {problem}. Give a YAML file.")
