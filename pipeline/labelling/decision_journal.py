"""The file that keeps every decision of a labelling, line by line."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from pipeline.terminal.plain_lines import json_line
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.workspace_files.file_lock import NO_LOCKS, lock_file
from trainer_module.contract.workspace_files.state_files import damaged_file

#: First line of every journal. Whoever changes the entries raises the version.
HEADER = {"journal": "carryover label", "version": 1}

_WHAT = "journal of labels"
_REMEDY = "Restore it from a backup, or move it away to begin anew."


class DecisionJournal:
    """An append-only file of JSON lines. Every entry is on the disk before `append` returns.

    One process at a time has it open. A last line that a killed process left unfinished is removed.

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
            remedy = "Give a folder on another disk with --output DIR."
            if error.errno in NO_LOCKS:
                remedy = f"Its file system has no file locks. {remedy}"
            raise UnavailableError(
                f"{_WHAT} {path} cannot be written: {error.strerror}. {remedy}"
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
        content = f"{json_line(entry)}\n".encode()
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

    def close(self) -> None:
        """Close the file, and release its lock."""
        os.close(self._handle)

    def _read(self) -> list[dict[str, Any]]:
        content = self.path.read_bytes()
        complete = content[: content.rfind(b"\n") + 1]
        entries = self._parse(complete)
        os.ftruncate(self._handle, len(complete))
        if not entries:
            self.append(HEADER)
            return []
        if entries[0].get("journal") != HEADER["journal"]:
            raise InputError(
                f"{self.path} is no {_WHAT}. Move it away, or give another folder with "
                "--output DIR."
            )
        if entries[0] != HEADER:
            raise InputError(
                f"{_WHAT} {self.path} was written by a newer carryover. Update carryover, or give "
                "another folder with --output DIR."
            )
        return entries[1:]

    def _parse(self, content: bytes) -> list[dict[str, Any]]:
        entries = []
        for number, line in enumerate(content.splitlines(), start=1):
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                entry = None
            if not isinstance(entry, dict):
                raise damaged_file(self.path, _WHAT, f"line {number} is no JSON object", _REMEDY)
            entries.append(entry)
        return entries
