"""Write a file so that readers see all of it, or nothing.

The content is written to a draft in the same folder, and the draft is renamed when it is complete.
A rename within one folder is atomic, so neither a reader nor a killed process meets half a file.
Nothing is flushed to the disk: this protects from readers and kills, not from a power cut.
"""

import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

#: Suffix of a draft: the path of the file plus this.
DRAFT_SUFFIX = ".part"

#: Length of the longest name of a file, in bytes.
_MAX_NAME = 255


class Draft:
    """A file that gets its final path when it is complete.

    Use it as a context manager. A draft that was not renamed is removed at the end, whether the
    block succeeded or failed.
    """

    def __init__(self, path: Path) -> None:
        """Open a draft for writing; a draft that a killed process left behind is overwritten.

        Args:
            path: Path of the draft, in the folder of the final file. The folder must exist.
        """
        self._path = path
        self._file = path.open("wb")

    def __enter__(self) -> "Draft":
        return self

    @property
    def file(self) -> BinaryIO:
        """Binary stream to write the content to."""
        return self._file

    def rename(self, path: Path) -> Path:
        """Give the complete file its final path, and replace a file that is there.

        Returns:
            The final path.
        """
        self._file.close()
        return self._path.replace(path)

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


def atomic_write(path: Path, content: str | bytes) -> Path:
    """Write a whole file, or replace it, in one step.

    Args:
        path: Path of the file. Its folder must exist.
        content: Content of the file; a string is encoded as UTF-8.

    Returns:
        The path.

    Raises:
        OSError: The file cannot be written. A file that was there before is unchanged.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with Draft(_draft_path(path)) as draft:
        draft.file.write(data)
        return draft.rename(path)


def _draft_path(path: Path) -> Path:
    """Return the path of the draft of a file, also where the name has no room for the suffix."""
    name = os.fsencode(f"{path.name}{DRAFT_SUFFIX}")
    if len(name) <= _MAX_NAME:
        return path.with_name(os.fsdecode(name))
    return path.with_name(f"{hashlib.sha256(name).hexdigest()}{DRAFT_SUFFIX}")
