"""Upload and download the files of a workspace, which a store holds by their SHA-256."""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from pipeline.object_store.file_manifest import FileEntry
from pipeline.terminal.plain_lines import print_line
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.output_text.wording import counted

if TYPE_CHECKING:
    from obstore.store import ObjectStore

#: Folder of the objects in the store.
FOLDER = "objects"

#: Files that are transferred at a time: small ones wait for the store, not for the network.
_THREADS = 16

#: Bytes that are read at a time.
_PART = 4 * 2**20

#: Bytes from which a transfer is told, and seconds between two lines about it.
_TOLD_BYTES, _TOLD_SECONDS = 64 * 2**20, 10.0


class TransferProgress:
    """Says on stderr how far a transfer is, if it is a long one."""

    def __init__(self, what: str, entries: Iterable[FileEntry]) -> None:
        """Print the first line, for a transfer of many bytes.

        Args:
            what: What happens, such as `downloading`.
            entries: Files that are transferred.
        """
        sizes = [entry.size for entry in entries]
        self._what, self._all, self._done = what, sum(sizes), 0
        self._lock, self._told = Lock(), time.monotonic()
        self._is_told = self._all >= _TOLD_BYTES
        if self._is_told:
            self._print(f"{counted(len(sizes), 'file')}, {self._all / 2**20:,.0f} MiB")

    def add(self, size: int) -> None:
        """Count the bytes of a file that has arrived."""
        with self._lock:
            self._done += size
            now = time.monotonic()
            if self._is_told and now - self._told >= _TOLD_SECONDS:
                self._told = now
                self._print(f"{self._done / self._all:.0%}")

    def _print(self, text: str) -> None:
        print_line(f"carryover: {self._what} {text}", to_stderr=True)


def upload_files(store: "ObjectStore", root: Path, files: dict[str, FileEntry]) -> None:
    """Upload files of a workspace. One whose content is there is uploaded again all the same.

    Args:
        store: Part of the store that is the workspace.
        root: Folder of the workspace on this machine.
        files: Files by relative path. No process changes them meanwhile.

    Raises:
        UnavailableError: A file has changed since it was listed.
    """
    import obstore

    unique = {entry.digest: (path, entry) for path, entry in files.items()}
    progress = TransferProgress("uploading", (entry for _, entry in unique.values()))

    def upload(path: str, entry: FileEntry) -> None:
        file = root / path
        obstore.put(store, object_name(entry.digest), file)
        status = file.stat()
        if (status.st_size, status.st_mtime_ns) != (entry.size, entry.modified_ns):
            raise UnavailableError(
                f"{file} has changed while it was uploaded. End what writes it, and give the "
                "command again."
            )
        progress.add(entry.size)

    _for_all(upload, unique.values())


def download_files(store: "ObjectStore", files: list[tuple[Path, FileEntry]]) -> None:
    """Download files, each whole or not at all. Size and digest are checked.

    Args:
        store: Part of the store that is the workspace.
        files: Paths on this machine, with what to write there. A file that is there is replaced.

    Raises:
        UnavailableError: An object is damaged.
        OSError: The disk is full or fails.
    """
    progress = TransferProgress("downloading", (entry for _, entry in files))

    def download(path: Path, entry: FileEntry) -> None:
        with _draft(path) as draft:
            _download(store, entry, draft)
            draft.chmod(entry.mode)
            os.utime(draft, ns=(entry.modified_ns, entry.modified_ns))
            draft.replace(path)
        progress.add(entry.size)

    for folder in {path.parent for path, _ in files}:
        folder.mkdir(parents=True, exist_ok=True)
    _for_all(download, files)


def object_name(digest: str) -> str:
    """Return the name of the object with a content."""
    return f"{FOLDER}/{digest[:2]}/{digest}"


@contextlib.contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """Yield a path beside a file for its new content, and remove what the block leaves there."""
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:32]
    draft = path.with_name(f".{name}.download")
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _download(store: "ObjectStore", entry: FileEntry, path: Path) -> None:
    import obstore

    name, digest, size = object_name(entry.digest), hashlib.sha256(), 0
    with path.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        for part in obstore.get(store, name).stream(min_chunk_size=_PART):
            size += file.write(part)
            digest.update(part)
    if (size, digest.hexdigest()) != (entry.size, entry.digest):
        raise UnavailableError(
            f"object {name} of the workspace is damaged: it has {size} bytes of {entry.size}, or "
            "others. Restore it from a version of the store."
        )


def _for_all(function: Callable[..., None], arguments: Iterable[tuple[object, object]]) -> None:
    """Call a function in several threads; after an error, begin no further call."""
    with ThreadPoolExecutor(_THREADS) as pool:
        calls = [pool.submit(function, *one) for one in arguments]
        try:
            for call in calls:
                call.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
