"""Check the names of classes and domains that no folder has yet."""

from collections.abc import Iterable

from components.data_gate.checks.name_findings import normalized_name
from pipeline.config.path_check import MAX_NAME
from pipeline.inputs.row_check import MISSING_VALUES
from pipeline.inputs.system_files import skipped_kind
from trainer_module.contract.errors import InputError
from trainer_module.contract.printable_names import printable_name, shortened


def check_folder_name(what: str, name: str, known: Iterable[str] = ()) -> str:
    """Return a name without outer spaces.

    Args:
        what: What it names, for the message: `class` or `domain`.
        name: Name as it was typed.
        known: Names that there are.

    Raises:
        InputError: A folder of this name would be skipped or misread, or the name looks like
            another one.
    """
    name = name.strip()
    if fault := _find_fault(name):
        raise InputError(f"{what} '{shortened(name)}': {fault}")
    if other := find_similar(name, known):
        raise InputError(f"{what} '{shortened(name)}' looks like '{other}'. Use that one.")
    return name


def find_similar(name: str, known: Iterable[str]) -> str | None:
    """Return the first other name that a name looks like (`cat` for `Cat`), or None.

    Args:
        name: Name of a class or a domain.
        known: Names that there are.
    """
    normalized = normalized_name(name)
    others = (one for one in known if one != name and normalized_name(one) == normalized)
    return next(others, None)


def _find_fault(name: str) -> str:
    """Return why a name cannot be that of a folder with pictures, or ""."""
    if not name:
        return "the name is empty. Type a name."
    if printable_name(name) != name:
        return "the name holds characters that are not printable. Leave them out."
    if "/" in name or "\\" in name:
        return "the name holds a slash. Leave it out."
    if name.startswith("_"):
        return "names that begin with _ are kept for folders without labels. Type another name."
    if name in (".", "..") or skipped_kind(name, is_folder=True):
        return "a folder of this name is skipped. Type another name."
    if name in MISSING_VALUES:
        return "the name stands for a missing value. Type another name."
    if len(name.encode()) > MAX_NAME:
        return f"the name is longer than {MAX_NAME} bytes. Type a shorter one."
    return ""
