"""Names of the folders, files and copies of chosen pictures, which no command skips or merges."""

import os
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from pipeline.inputs.layouts.domain_folder import (
    MAX_NAME,
    SHORTENED,
    shorten_name,
    substitute_folder,
)
from pipeline.inputs.system_files import skipped_kind

#: Names of the files beside the folders of domains.
TABLE, TASKS, CONFIG, SHEET = (
    "selection.csv",
    "label_studio.json",
    "label_studio.xml",
    "contact-sheet.png",
)

#: All of them. Whoever reads such a folder leaves them alone.
SELECTION_FILES = (TABLE, TASKS, CONFIG, SHEET)

#: Bytes of a name that are not UTF-8. No sidecar can name such a file.
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


def name_folders(domains: Iterable[str], reserved: Iterable[str] = ()) -> dict[str, str]:
    """Return a folder of its own for every domain; a manifest can give a domain any name.

    A domain keeps its name where a folder can have it. Any other has a substitute, which does not
    depend on which domains there are besides it.

    Args:
        domains: Names of the domains.
        reserved: Names of files beside the folders.

    Example:
        >>> from pipeline.picture_selection.folder_names import name_folders
        >>> name_folders(["day", "day/1"])
        {'day': 'day', 'day/1': 'day_1-e14a336e'}
    """
    taken = {name.lower() for name in reserved}
    return {
        name: name if _can_be_folder(name, taken) else substitute_folder(name) for name in domains
    }


def name_copy(name: str) -> str:
    """Return a name for the copy of a picture, to which a digest can be added.

    Args:
        name: Name of the original, without folders.
    """
    name = _NOT_UTF8.sub("_", name)
    if len(os.fsencode(name)) > MAX_NAME:
        name = shorten_name(name, SHORTENED) + PurePosixPath(name).suffix[-16:]
    if skipped_kind(name, is_folder=False):
        name = name.lstrip(".") or "_"
    return f"{name}_" if skipped_kind(name, is_folder=False) else name


def _can_be_folder(name: str, taken: set[str]) -> bool:
    """Return whether all commands read a folder of this name as that of a domain."""
    is_plain = bool(name.strip()) and "/" not in name and not name.startswith((".", "_"))
    is_free = name.lower() not in taken and not skipped_kind(name, is_folder=True)
    return is_plain and is_free and len(os.fsencode(name)) <= MAX_NAME
