"""Says in a locked file which command holds the lock, for the message of another one."""

import contextlib
import os
from pathlib import Path

from trainer_module.contract.printable_names import printable_name

#: Most bytes of a lock file that are read.
_MAX_BYTES = 200

#: Name of the command that this process runs, at most one.
_names: list[str] = []


def name_command(name: str) -> None:
    """Say which command this process runs.

    Args:
        name: Name of the command, such as `retrain`.
    """
    _names[:] = [name]


def write_holder(handle: int) -> None:
    """Write the command and its process into a file whose lock it holds.

    A disk without room is no reason to fail: the file only serves a message.

    Args:
        handle: Descriptor of the file.
    """
    text = f"`carryover {_names[0]}`, process {os.getpid()}" if _names else ""
    with contextlib.suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, text.encode(), 0)


def read_holder(path: Path) -> str:
    """Return what the holder of a lock has written, printable; "" if it has not written yet.

    Args:
        path: File that is locked.
    """
    with contextlib.suppress(OSError), path.open("rb") as file:
        return printable_name(file.read(_MAX_BYTES).decode(errors="replace"))
    return ""
