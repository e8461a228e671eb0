"""One immutable listing of a run's inputs, identified by a digest."""

import hashlib
import json
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.inputs.folder import FolderListing
from pipeline.inputs.manifest import MANIFEST_SUFFIXES, read_manifest
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import is_uri


@dataclass(frozen=True)
class Snapshot:
    """A listing that has been written down.

    Attributes:
        path: JSON lines with `path` (relative to `data_root`), `domain`, `label`, `bytes` and
            `modified` (ns); `split` and `group` where a manifest names them; `reason` where a file
            is known to be unusable.
        digest: SHA-256 of the listing, in hex.
        data_root: folder or URI that the paths are relative to.
        domains: names, sorted.
        files: number of rows.
        ignored: files that nobody meant as pictures, by what they are; they are no rows.
        empty_classes: domain and class of folders without files.
        batch: digest of the batch that it was put together for; the rest of it is a part of the
            pictures of the version that serves. None where it lists all there are.
        fresh: folders of that batch and of others that no version was trained on, relative to
            `data_root`.
    """

    path: Path
    digest: str
    data_root: str
    domains: tuple[str, ...]
    files: int
    ignored: dict[str, int]
    empty_classes: tuple[tuple[str, str], ...]
    batch: str | None = None
    fresh: tuple[str, ...] = ()


def take_snapshot(data: str, folder: Path) -> Snapshot:
    """List the pictures and write the listing to `folder`.

    Args:
        data: folder with <domain>/<class>/<picture>, or a manifest, see `pipeline.inputs.manifest`.
        folder: where listings are kept, one file per digest.

    Raises:
        InputError: the data are missing, cannot be read, or hold no pictures in that form.
    """
    if is_manifest(data):
        manifest = data if is_uri(data) else str(Path(data).resolve())
        return write_listing(read_manifest(manifest), posixpath.dirname(manifest), data, folder)
    if is_uri(data):
        raise InputError(
            f"data {data}: a remote folder is not listed. Give a manifest of it, a CSV or Parquet "
            "file with the columns path, domain and label."
        )
    root = Path(data)
    if not root.is_dir():
        what = "is a file, no folder" if root.exists() else "does not exist"
        raise InputError(
            f"data folder {data} {what}. Give a folder or a manifest "
            f"({' or '.join(MANIFEST_SUFFIXES)}) with --data."
        )
    return write_listing(FolderListing(root.resolve()), str(root.resolve()), data, folder)


def is_manifest(data: str) -> bool:
    """Whether `data` names a manifest, by its suffix; a folder may have any name."""
    return data.lower().endswith(MANIFEST_SUFFIXES) and not Path(data).is_dir()


def write_listing(
    rows: Iterable[dict[str, Any]], data_root: str, data: str, folder: Path
) -> Snapshot:
    """Write rows down, see `Snapshot`.

    Args:
        rows: of the listing, in their order.
        data_root: that their paths are relative to.
        data: what the user calls them.
        folder: where listings are kept.

    Raises:
        InputError: none of the rows is usable.
    """
    digest, domains, files = hashlib.sha256(), set(), 0
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / "unfinished"
    try:
        with unfinished.open("wb") as listing:
            for row in rows:
                line = json.dumps(row, sort_keys=True).encode() + b"\n"
                listing.write(line)
                digest.update(line)
                files += 1
                if "reason" not in row:
                    domains.add(row["domain"])
        if not domains:
            raise InputError(_no_pictures(data))
        path = folder / f"{digest.hexdigest()}.jsonl"
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    listed = rows if isinstance(rows, FolderListing) else None
    return Snapshot(
        path=path,
        digest=digest.hexdigest(),
        data_root=data_root,
        domains=tuple(sorted(domains)),
        files=files,
        ignored=dict(listed.ignored) if listed else {},
        empty_classes=tuple(listed.empty_classes) if listed else (),
    )


def _no_pictures(data: str) -> str:
    if is_manifest(data):
        return f"manifest {data} names no file that can be opened. Check its paths."
    return (
        f"data folder {data} holds no files in the layout <domain>/<class>/<picture>. "
        "Sort the pictures into such folders."
    )
