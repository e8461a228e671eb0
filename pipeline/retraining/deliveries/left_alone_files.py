"""Files in the inbox that are no deliveries, and which of them are new."""

import contextlib
import json
import os
from pathlib import Path

from pipeline.inputs.layouts.folder_tree import PICTURE_SUFFIXES
from pipeline.inputs.manifest import MANIFEST_SUFFIXES
from pipeline.inputs.system_files import skipped_kind
from pipeline.retraining.deliveries.inbox import is_delivery
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.output_text.wording import counted_are
from trainer_module.contract.printable_names import printable_name

#: Name of the file with the names of the files that were told, in the folder of the copies.
LEFT_ALONE = ".left_alone.json"

#: Reason why a file is left alone.
NO_DELIVERY = f"neither a folder nor a manifest ({' or '.join(MANIFEST_SUFFIXES)})"

#: Files that are named, of many that are new.
MAX_NAMES = 10


class LeftAloneFiles:
    """Remembers which files of an inbox were told, so that not every pass tells them again."""

    def __init__(self, batches: Path) -> None:
        """Use the file `LEFT_ALONE`.

        Args:
            batches: Folder of the copies.
        """
        self._file = batches / LEFT_ALONE

    def find_new(self, inbox: Path) -> list[str]:
        """Return the printable names of the files that no pass has told yet, sorted.

        Hidden files, files of systems and unfinished downloads are not among them. Pictures are not
        where the inbox has a manifest, which may name them.

        Args:
            inbox: Path of the inbox.

        Raises:
            OSError: The inbox is unreadable, or the workspace cannot be written.
        """
        told = self._read()
        before = told.get(str(inbox), [])
        names = _find_files(inbox)
        if names != before:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(self._file, json.dumps({**told, str(inbox): names}))
        known = set(before)
        return [printable_name(name) for name in names if name not in known]

    def _read(self) -> dict[str, list[str]]:
        """Return the names by inbox; none where the file is missing or damaged."""
        with contextlib.suppress(OSError, ValueError, RecursionError):
            values = json.loads(self._file.read_bytes())
            if isinstance(values, dict) and all(isinstance(one, list) for one in values.values()):
                return {inbox: [str(name) for name in names] for inbox, names in values.items()}
        return {}


def describe_left_alone(names: list[str]) -> list[str]:
    """Return a line per file, of many files a line per file for the first.

    Args:
        names: Printable names of files.
    """
    lines = [f"left alone: {name} is {NO_DELIVERY}" for name in names[:MAX_NAMES]]
    if more := names[MAX_NAMES:]:
        each = " each" if len(more) > 1 else ""
        lines.append(f"left alone: {counted_are(len(more), 'more file')}{each} {NO_DELIVERY}")
    return lines


def _find_files(inbox: Path) -> list[str]:
    """Return the names of the files that are no deliveries and have to be told, sorted."""
    names = os.listdir(inbox)  # noqa: PTH208 (names, not paths)
    has_manifest = any(name.lower().endswith(MANIFEST_SUFFIXES) for name in names)

    def is_told(name: str) -> bool:
        if skipped_kind(name, is_folder=False) or is_delivery(inbox / name):
            return False
        is_picture = Path(name).suffix.lower() in PICTURE_SUFFIXES
        # Unlike Path.is_file, this does not raise where the inbox is on a store that fails.
        is_file = os.path.isfile(inbox / name)  # noqa: PTH113
        return is_file and not (is_picture and has_manifest)

    return sorted(name for name in names if is_told(name))
