"""The file that keeps every decision of a labelling, line by line."""

import contextlib
import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

from pipeline.terminal.plain_lines import json_line
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.workspace_files.file_lock import NO_LOCKS, lock_file
from trainer_module.contract.workspace_files.state_files import damaged_file

#: First line of every journal. Whoever changes the entries so that an older carryover misreads them
#: raises the version.
HEADER = {"journal": "carryover label", "version": 1}

_FIRST_LINE = json_line(HEADER).encode()

_WHAT = "journal of labels"
_REMEDY = "Restore it from a backup, or move it away to begin anew."


class DecisionJournal:
    """An append-only file of JSON lines. Every entry is on the disk before `append` returns.

    One process at a time has it open. A last line that a killed process left unfinished is removed.
    A file that is no journal is left as it is.

    Attributes:
        path: Path of the file.
        entries: Entries that were in the file when it was opened.
    """

    def __init__(self, path: Path) -> None:
        """Open and lock the journal; create it if it does not exist.

        Args:
            path: Path of the file. Its folder is created, too.

        Raises:
            InputError: Another process has it open, or the file is no journal.
            UnavailableError: The file is damaged, or cannot be written.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = lock_file(path)
        except BlockingIOError:
            raise InputError(
                f"another `carryover label` is writing {path}. Use its page, or stop it first; or "
                "give another folder with --output DIR."
            ) from None
        except OSError as error:
            raise UnavailableError(
                f"{_WHAT} {path} cannot be written: {error.strerror}. {_find_remedy(error)}"
            ) from None
        try:
            self.entries = self._read()
        except BaseException:
            self.close()
            raise

    def append(self, entry: dict[str, Any]) -> None:
        """Add an entry, and flush it to the disk.

        Args:
            entry: JSON-ready values.

        Raises:
            UnavailableError: The disk is full or fails. The journal is as it was before.
        """
        self._write(f"{json_line(entry)}\n".encode())

    def close(self) -> None:
        """Close the file, and release its lock."""
        os.close(self._handle)

    def _write(self, content: bytes) -> None:
        """Add bytes to the end, and flush them to the disk; on an error, leave nothing of them."""
        end = os.lseek(self._handle, 0, os.SEEK_END)
        try:
            while content:
                content = content[os.write(self._handle, content) :]
            os.fsync(self._handle)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, end)
            raise UnavailableError(
                f"{_WHAT} {self.path} cannot be written: {error.strerror}. "
                "Free some space on that disk, and try again."
            ) from None

    def _read(self) -> list[dict[str, Any]]:
        if not stat.S_ISREG(os.fstat(self._handle).st_mode):
            raise self._foreign_file()
        content = self.path.read_bytes()
        if _is_begun(content):
            os.ftruncate(self._handle, 0)
            self.append(HEADER)
            return []
        self._check_header(content)
        end = content.rfind(b"\n") + 1
        entries = self._parse(content[:end])
        last = _parse_object(content[end:])
        if last is None:
            os.ftruncate(self._handle, end)
        else:  # only its line end is missing
            entries.append(last)
            self._write(b"\n")
        return entries[1:]

    def _check_header(self, content: bytes) -> None:
        """Refuse a file that is no journal of this version, before anything in it is changed.

        Raises:
            InputError: It is none.
        """
        header = _parse_object(content.partition(b"\n")[0])
        if header is None or header.get("journal") != HEADER["journal"]:
            raise self._foreign_file()
        if header != HEADER:
            raise InputError(
                f"{_WHAT} {self.path} was written by a newer carryover. Update carryover, or give "
                "another folder with --output DIR."
            )

    def _foreign_file(self) -> InputError:
        return InputError(
            f"{self.path} is no {_WHAT}. Move it away, or give another folder with --output DIR."
        )

    def _parse(self, content: bytes) -> list[dict[str, Any]]:
        entries = []
        for number, line in enumerate(content.splitlines(), start=1):
            entry = _parse_object(line)
            if entry is None:
                raise damaged_file(self.path, _WHAT, f"line {number} is no JSON object", _REMEDY)
            entries.append(entry)
        return entries


def _find_remedy(error: OSError) -> str:
    """Return what to do about a journal that cannot be opened."""
    if error.errno in NO_LOCKS:
        return "Its file system has no file locks. Give a folder on another disk with --output DIR."
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
        return "Give a folder on another disk with --output DIR."
    if error.errno == errno.ENAMETOOLONG:
        return "Give a folder with a shorter name with --output DIR."
    return "Give another folder with --output DIR."


def _is_begun(content: bytes) -> bool:
    """Return whether a file holds nothing, or what a process leaves that is killed at its start."""
    return not content.strip(b"\0") or (
        b"\n" not in content and len(content) < len(_FIRST_LINE) and _FIRST_LINE.startswith(content)
    )


def _parse_object(line: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a line; None if it holds none."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None
