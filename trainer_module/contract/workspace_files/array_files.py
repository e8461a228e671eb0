"""Files of arrays that are kept with a model."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION, reading

Result = TypeVar("Result")

#: Arrays by name.
Arrays = Mapping[str, npt.NDArray[Any]]


def write_arrays(model: str, name: str, arrays: Arrays) -> None:
    """Write arrays into the folder of a model.

    Args:
        model: Folder of the SavedModel.
        name: Path of the file below it, see `model_assets`.
        arrays: Arrays by name.
    """
    path = Path(model, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)  # type: ignore[arg-type]  # NumPy's stub takes bool keywords only


def read_arrays(
    model: str, name: str, what: str, build: Callable[[Arrays], Result]
) -> Result | None:
    """Return what a function builds of the arrays of a file; None for a model without the file.

    Nothing is unpickled.

    Args:
        model: Folder of the SavedModel.
        name: Path of the file below it, see `model_assets`.
        what: What the file is, the first word of the message.
        build: Function of the arrays. It does nothing but read them.

    Raises:
        UnavailableError: The file is unreadable or damaged.
    """
    path = Path(model, name)
    if not path.exists():
        return None
    with reading(path, what, RESTORE_VERSION), np.load(path, allow_pickle=False) as arrays:
        return build(arrays)
