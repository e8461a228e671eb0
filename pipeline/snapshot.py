"""One immutable listing of a run's inputs, identified by a digest."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer_module.errors import InputError

#: What operating systems leave in folders of pictures; everything else is read or rejected.
SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini"})

MISPLACED = "not in <domain>/<class>/"


@dataclass(frozen=True)
class Snapshot:
    """A listing that has been written down.

    Attributes:
        path: JSON lines with `path` (relative to `data_root`), `domain`, `label`, `bytes` and
            `modified` (ns), and `reason` where a file is known to be unusable.
        digest: SHA-256 of the listing, in hex.
        data_root: folder that the paths are relative to.
        domains: names, sorted.
        files: number of rows.
    """

    path: Path
    digest: str
    data_root: Path
    domains: tuple[str, ...]
    files: int


def take_snapshot(data: Path, folder: Path) -> Snapshot:
    """List a data folder and write the listing to `folder`.

    Args:
        data: folder with <domain>/<class>/<picture>; deeper folders belong to their class.
        folder: where listings are kept, one file per digest.

    Raises:
        InputError: the folder is missing, cannot be read, or holds nothing in that layout.
    """
    if not data.is_dir():
        raise InputError(f"data folder {data} does not exist. Give one with --data DIR.")
    digest, domains, files = hashlib.sha256(), set(), 0
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / "unfinished"
    with unfinished.open("wb") as listing:
        for row in _rows(data.resolve()):
            line = json.dumps(row, sort_keys=True).encode() + b"\n"
            listing.write(line)
            digest.update(line)
            files += 1
            if "reason" not in row:
                domains.add(row["domain"])
    if not domains:
        unfinished.unlink()
        raise InputError(
            f"data folder {data} holds no files in the layout <domain>/<class>/<picture>. "
            "Sort the pictures into such folders."
        )
    path = folder / f"{digest.hexdigest()}.jsonl"
    unfinished.replace(path)
    return Snapshot(path, digest.hexdigest(), data.resolve(), tuple(sorted(domains)), files)


def _rows(root: Path) -> Iterator[dict[str, Any]]:
    for path in _files(root):
        relative = path.relative_to(root)
        row: dict[str, Any] = {"path": relative.as_posix(), "domain": "", "label": ""}
        reason = _unusable(relative)
        if reason is None:
            row |= dict(zip(("domain", "label"), relative.parts, strict=False))
        try:
            status = path.stat()
            row |= {"bytes": status.st_size, "modified": status.st_mtime_ns}
            if not stat.S_ISREG(status.st_mode):
                reason = "not a regular file"
        except OSError as error:
            reason = f"cannot be opened: {error.strerror}"
        yield row | ({"reason": reason} if reason else {})


def _unusable(relative: Path) -> str | None:
    """Why a file of this name cannot be used, whatever is in it."""
    if len(relative.parts) < 3:
        return MISPLACED
    try:
        "/".join(relative.parts[:2]).encode()
    except UnicodeEncodeError:
        return "domain or class is not named in UTF-8"
    return None


def _files(root: Path) -> Iterator[Path]:
    """Every file below a folder in a stable order; a link to a folder above it is not followed."""
    for folder, folders, names in os.walk(root, followlinks=True, onerror=_unreadable):
        here = Path(folder)
        above = {parent.resolve() for parent in (here, *here.parents)}
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and (here / name).resolve() not in above
        )
        for name in sorted(names):
            if not name.startswith(".") and name.lower() not in SYSTEM_FILES:
                yield Path(folder, name)


def _unreadable(error: OSError) -> None:
    raise InputError(f"folder {error.filename}: {error.strerror}. Make it readable.")
