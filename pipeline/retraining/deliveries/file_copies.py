"""Copies of the pictures of one delivery."""

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path, PurePosixPath

#: Length of the longest suffix of a picture's name that its copy has too, in bytes.
MAX_SUFFIX = 16

#: Permissions that a copy can have. Those who may not read the original may not read the copy.
_ANYONE, _OWNER = 0o666, 0o600


class FileCopies:
    """Copies pictures into a folder, each under its digest. What is no picture is not copied."""

    def __init__(
        self, folder: Path, max_bytes: int | None, find_fault: Callable[[str], str]
    ) -> None:
        """Name the folder.

        Args:
            folder: Folder of the copies.
            max_bytes: Size of a file, in bytes, above which it is not copied. None for any size.
            find_fault: Function that gets the real path of a file, and returns the reason why it
                must not be read, or "".
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._find_fault = find_fault
        self._lock = threading.Lock()

    def add(self, location: str) -> tuple[str, str]:
        """Copy a picture.

        Args:
            location: Path or URI of the file.

        Returns:
            Path of the copy relative to the folder, and SHA-256 of the file in hex.

        Raises:
            UnusablePictureError: The file is no picture, is too large, or must not be read.
            OSError: The copy cannot be written.
        """
        from components.image_example_gen.ingestion import read_file
        from components.image_example_gen.picture_reader import read_picture

        file = read_file(location, self._max_bytes, self._find_fault)
        read_picture(file.content)
        sha256 = hashlib.sha256(file.content).hexdigest()
        path = PurePosixPath("files", sha256[:2], sha256 + _suffix(location))
        self._write(self._folder / path, file.content, file.mode & _ANYONE | _OWNER)
        return str(path), sha256

    def _write(self, target: Path, content: bytes, mode: int) -> None:
        """Write a copy with at most the given permissions, and those that the umask leaves."""
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            number = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:  # the delivery has several files of this content
            with self._lock:
                target.chmod(target.stat().st_mode & mode)
            return
        with os.fdopen(number, "wb") as file:
            file.write(content)


def _suffix(name: str) -> str:
    """Return the suffix of a picture's name; "" where it is too long for the name of the copy."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if len(suffix.encode(errors="surrogateescape")) <= MAX_SUFFIX else ""
