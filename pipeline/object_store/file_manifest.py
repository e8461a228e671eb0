"""The files of a workspace at one time: paths, digests, sizes, times and rights."""

import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from trainer_module.contract.errors import InputError
from trainer_module.contract.file_digest import file_digest


@dataclass(frozen=True)
class FileEntry:
    """A file of a workspace.

    Attributes:
        digest: SHA-256 of its content, in hex.
        size: Bytes.
        modified_ns: Time of its last change, nanoseconds since 1970.
        mode: Rights, such as 0o600.
    """

    digest: str
    size: int
    modified_ns: int
    mode: int


@dataclass(frozen=True)
class FileManifest:
    """All files, links and empty folders of a workspace, by path relative to it.

    Attributes:
        files: Files.
        links: Targets of symbolic links, relative to the folders of the links.
        folders: Folders in which nothing is.
    """

    files: dict[str, FileEntry] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()

    @property
    def content(self) -> object:
        """What two manifests of the same content have in common: all but the times."""
        digests = {path: (entry.digest, entry.mode) for path, entry in self.files.items()}
        return digests, self.links, self.folders

    def select(self, is_selected: Callable[[str], bool]) -> "FileManifest":
        """Return the part with the paths for which a function returns True."""
        return FileManifest(
            {path: entry for path, entry in self.files.items() if is_selected(path)},
            {path: target for path, target in self.links.items() if is_selected(path)},
            tuple(filter(is_selected, self.folders)),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as values that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "FileManifest":
        """Return the manifest that `to_json` has made values of.

        Raises:
            ValueError: The values are none of a manifest, or a path leaves the workspace.
        """
        try:
            files = {path: FileEntry(**entry) for path, entry in values["files"].items()}
            manifest = cls(files, dict(values["links"]), tuple(values["folders"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it is no manifest: {json.dumps(str(error))}") from None
        for path in (*manifest.files, *manifest.links, *manifest.folders):
            if path.startswith("/") or {"", ".", ".."} & set(path.split("/")):
                raise ValueError(f"its path {json.dumps(path)} leaves the workspace")
        for path, target in manifest.links.items():
            if _leaves(path, target):
                raise ValueError(f"its link {json.dumps(path)} leaves the workspace")
        return manifest


def scan_files(root: Path, known: FileManifest, is_selected: Callable[[str], bool]) -> FileManifest:
    """List the files of a workspace. Those whose size and time are known are not read.

    Args:
        root: Folder of the workspace.
        known: Manifest of an earlier time.
        is_selected: Function of a relative path: whether the file belongs to the workspace.

    Raises:
        InputError: A symbolic link leads out of the workspace.
    """
    files, links, folders = {}, {}, []
    for path, entry in _walk(root, "", is_selected):
        if entry is None:
            folders.append(path)
        elif entry.is_symlink():
            links[path] = _read_link(root, path)
        else:
            files[path] = _file_entry(Path(entry.path), known.files.get(path))
    return FileManifest(files, links, tuple(folders))


def _walk(
    root: Path, folder: str, is_selected: Callable[[str], bool]
) -> Iterator[tuple[str, "os.DirEntry[str] | None"]]:
    """Yield files and links with their entries, and empty folders with None, sorted."""
    entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
    if not entries and folder:
        yield folder, None
    for entry in entries:
        path = f"{folder}/{entry.name}" if folder else entry.name
        if not is_selected(path):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, path, is_selected)
        elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
            yield path, entry  # a socket or a pipe of a running process is no content


def _file_entry(file: Path, known: FileEntry | None) -> FileEntry:
    status = file.stat()
    mode = stat.S_IMODE(status.st_mode)
    if known and (known.size, known.modified_ns) == (status.st_size, status.st_mtime_ns):
        return FileEntry(known.digest, known.size, known.modified_ns, mode)
    return FileEntry(file_digest(file), status.st_size, status.st_mtime_ns, mode)


def _read_link(root: Path, path: str) -> str:
    target = str((root / path).readlink())
    if _leaves(path, target):
        raise InputError(
            f"{root / path} is a symbolic link that leads out of the workspace, which an object "
            "store cannot hold. Replace it by what it leads to."
        )
    return target


def _leaves(path: str, target: str) -> bool:
    """Return whether a link leads out of the workspace."""
    joined = os.path.normpath(os.path.join(os.path.dirname(path), target))  # noqa: PTH118, PTH120
    return joined == ".." or joined.startswith(("../", "/"))
