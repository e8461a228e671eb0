"""Parameters of components that are too long for a command line, as files in the workspace.

Kubeflow passes a step all of its inputs in one argument, and Linux limits an argument to 128 KiB.
The folds of a few thousand new pictures are longer. The name of a file is the digest of its
content, so that it can stand for the value in the key of Kubeflow's cache.
"""

import hashlib
from pathlib import Path
from typing import Any

from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.workspace_files.state_files import read_state

#: Longest parameter that is passed as it is, in characters: a step has several.
MAX_LENGTH = 10_000

PREFIX, SUFFIX = "carryover-file:", ".parameter"


def shorten_parameter(value: Any, folder: Path) -> Any:
    """Write a long text to a file.

    Args:
        value: Value of a parameter.
        folder: Existing folder of the file.

    Returns:
        The value, or for a long text what `restore_parameter` makes that text of.
    """
    if not isinstance(value, str) or len(value) <= MAX_LENGTH:
        return value
    content = value.encode("utf-8", "surrogateescape")
    path = folder / f"{hashlib.sha256(content).hexdigest()}{SUFFIX}"
    atomic_write(path, content)
    return f"{PREFIX}{path}"


def restore_parameter(value: Any) -> Any:
    """Return the value that a parameter had before `shorten_parameter`.

    Raises:
        UnavailableError: The file is missing or unreadable.
    """
    if not isinstance(value, str) or not value.startswith(PREFIX):
        return value
    content = read_state(Path(value.removeprefix(PREFIX)), "parameter", "Start a new run.")
    return content.decode("utf-8", "surrogateescape")
