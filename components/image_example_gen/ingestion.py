"""Turns rows of a listing into shards of tf.Examples, a part of the catalog, and the rejects."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
import tensorflow as tf
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from components.image_example_gen.catalog import write_catalog
from components.image_example_gen.inventory import write_rejects
from components.image_example_gen.picture_reader import Picture, UnusablePictureError, read_picture
from components.image_example_gen.picture_statistics import measure_pictures, perceptual_hashes
from components.image_example_gen.pixels.blank_areas import describe_blank_areas
from components.image_example_gen.shards import Shards
from components.image_example_gen.splits import assign_split, digest, group_digest
from trainer_module.contract import example_features
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import is_uri, locate
from trainer_module.contract.regular_file import UnusableFileError, open_regular

#: Pictures that are decoded in advance and measured together. It bounds the memory of a worker.
BATCH_SIZE = 64

#: Threads that read remote files. For local files there is one thread per core: more would only
#: wait for each other in the decoder (6 threads on 2 cores took 1.4 times as long as 2).
REMOTE_THREADS = 32

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Destination:
    """The three artifacts that an ingestion writes to.

    Attributes:
        examples: URI of the `examples` artifact.
        catalog: URI of the `catalog` artifact.
        rejects: URI of the `rejects` artifact.
    """

    examples: str
    catalog: str
    rejects: str

    def folders(self) -> list[str]:
        """Return the folders that must exist before the first chunk is ingested."""
        splits = [f"{self.examples}/Split-{split}" for split in example_features.SPLITS]
        return [*splits, self.catalog, self.rejects]


@dataclass(frozen=True)
class Ingested:
    """A row of the listing after its file was read.

    Attributes:
        row: Row of the listing.
        picture: The picture; None if the file is unusable.
        content: Digest of the file.
        num_bytes: Size of the file.
        reason: Reason why the file is unusable.
        is_lost: Whether the file could be read when it was listed, and cannot be opened now.
    """

    row: ListingRow
    picture: Picture | None = None
    content: bytes = b""
    num_bytes: int = 0
    reason: str = ""
    is_lost: bool = False


def ingest_rows(
    rows: list[ListingRow],
    data_root: str,
    split: dict[str, Any],
    max_file_bytes: int,
    destination: Destination,
    suffix: str,
) -> None:
    """Ingest one chunk of a listing.

    Unusable files are rejected; they do not fail the chunk. Pictures are decoded in several
    threads, and written in the order of their rows.

    Args:
        rows: Rows of the chunk.
        data_root: Folder or URI that the paths of the rows are relative to.
        split: Options `eval` and `test` (shares, 0 to 1) and `group_by` (`content` or `stem`).
        max_file_bytes: Size of a file, in bytes, above which it is rejected.
        destination: Artifacts to write to.
        suffix: Suffix of the names of all files of this chunk.
    """
    catalog: list[dict[str, Any]] = []
    rejects: list[ListingRow] = []
    remote = any(is_uri(locate(data_root, row["path"])) for row in rows)
    threads = REMOTE_THREADS if remote else os.cpu_count()
    with Shards(destination.examples, suffix) as shards, ThreadPoolExecutor(threads) as pool:
        results = map_ahead(pool, lambda row: _ingest(row, data_root, max_file_bytes), rows)
        while batch := list(islice(results, BATCH_SIZE)):
            rejects += [_reject(item) for item in batch if not item.picture]
            for item, entry in zip(*_entries(batch, split), strict=True):
                shards.write(entry["split"], _example(item, entry))
                catalog.append(entry)
    write_catalog(destination.catalog, suffix, catalog)
    write_rejects(destination.rejects, suffix, rejects)


def map_ahead(
    pool: ThreadPoolExecutor, function: Callable[[Item], Result], items: list[Item]
) -> Iterator[Result]:
    """Apply a function in threads, with at most `BATCH_SIZE` results waiting in memory.

    Args:
        pool: Threads to use.
        function: Function of one item.
        items: Items in the order of the results.
    """
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) == BATCH_SIZE:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _ingest(row: ListingRow, data_root: str, max_file_bytes: int) -> Ingested:
    try:
        if "reason" in row:
            raise UnusablePictureError(row["reason"])
        content = read_file(locate(data_root, row["path"]), max_file_bytes).content
        return Ingested(row, read_picture(content), digest(content), len(content))
    except UnusablePictureError as reason:
        return Ingested(row, reason=str(reason), is_lost=isinstance(reason, LostFileError))


def _reject(item: Ingested) -> ListingRow:
    row = item.row | {"reason": item.reason}
    return row | {"lost": True} if item.is_lost else row


class LostFileError(UnusablePictureError):
    """A file cannot be opened: it is gone, its disk is, or this user may not read it."""


class FileContent(NamedTuple):
    """Content of a file.

    Attributes:
        content: All bytes of the file.
        mode: Permissions of the file as `os.stat` gives them; those of a remote file are all.
    """

    content: bytes
    mode: int = 0o666


def read_file(
    path: str, max_bytes: int | None = None, find_fault: Callable[[str], str] | None = None
) -> FileContent:
    """Read a local or remote file. Its size is checked before it is in memory.

    Args:
        path: Local path, or a URI that Beam's file systems open.
        max_bytes: Size above which it is not read. None for any size.
        find_fault: Function that returns the reason why a local file must not be read, or "", see
            `trainer_module.contract.regular_file.open_regular`.

    Raises:
        LostFileError: The file cannot be opened.
        UnusablePictureError: The file is too large, or must not be read.
    """
    try:
        if not is_uri(path):
            with open_regular(path, find_fault) as file:
                status = os.fstat(file.fileno())
                _check_size(status.st_size, max_bytes)
                content = file.read(-1 if max_bytes is None else max_bytes + 1)  # it may grow
        else:
            status = None
            with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as remote:
                content = remote.read(-1 if max_bytes is None else max_bytes + 1)
        _check_size(len(content), max_bytes)
        return FileContent(content, status.st_mode) if status else FileContent(content)
    except UnusableFileError as reason:
        raise UnusablePictureError(str(reason)) from None
    except OSError as error:
        raise LostFileError(
            f"cannot be opened: {os.strerror(error.errno) if error.errno else error}"
        ) from None


def _check_size(size: int, max_bytes: int | None) -> None:
    if max_bytes is not None and size > max_bytes:
        raise UnusablePictureError(
            f"file too large: {size:,} bytes or more, the limit max_file_bytes is {max_bytes:,}"
        )


def _entries(
    batch: list[Ingested], split: dict[str, Any]
) -> tuple[list[Ingested], list[dict[str, Any]]]:
    """Return the usable items of a batch, and their rows of the catalog."""
    usable = [item for item in batch if item.picture]
    if not usable:
        return [], []
    thumbnails = np.stack([item.picture.thumbnail for item in usable if item.picture])
    measured = {name: values.tolist() for name, values in measure_pictures(thumbnails).items()}
    hashes = perceptual_hashes(thumbnails)
    blank = describe_blank_areas(thumbnails)
    entries = []
    for number, item in enumerate(usable):
        measures = {name: values[number] for name, values in measured.items()}
        seen = {"look": hashes[number], "blank": blank[number]}
        entries.append(_entry(item, split) | seen | measures)
    return usable, entries


def _entry(item: Ingested, split: dict[str, Any]) -> dict[str, Any]:
    """Return the row of the catalog, without what is measured on the thumbnail."""
    row, picture = item.row, item.picture
    assert picture is not None  # noqa: S101 (for the type checker)
    group = group_digest(row, item.content, split["group_by"])
    test_share = 0.0 if "fold" in row else split["test"]
    assigned = row.get("split") or assign_split(group, split["eval"], test_share)
    return {
        example_features.IMAGE_ID: row["path"].encode("utf-8", "surrogateescape"),
        example_features.DOMAIN: row["domain"],
        example_features.LABEL: row["label"],
        "split": assigned,
        "assigned": assigned,
        "given": "split" in row,
        "known": row.get("known", False),
        "fold": row.get("fold"),
        "content": item.content,
        "group": group,
        "rewritten": picture.rewritten,
        "colour_profile": picture.colour_profile,
        "more_pages": picture.more_pages,
        "value_range": picture.value_range,
        "width": picture.width,
        "height": picture.height,
        "channels": picture.channels,
        "num_bytes": item.num_bytes,
    }


def _example(item: Ingested, entry: dict[str, Any]) -> bytes:
    """Return the serialized tf.Example, see `trainer_module.contract.example_features`."""
    assert item.picture is not None  # noqa: S101 (for the type checker)
    example = tf.train.Example()
    feature = example.features.feature
    feature[example_features.IMAGE].bytes_list.value.append(item.picture.encoded)
    feature[example_features.IMAGE_ID].bytes_list.value.append(entry[example_features.IMAGE_ID])
    for name in (example_features.DOMAIN, example_features.LABEL):
        feature[name].bytes_list.value.append(entry[name].encode())
    for name in example_features.SIZES:
        feature[name].int64_list.value.append(entry[name])
    for name in example_features.MEASURES:
        feature[name].float_list.value.append(entry[name])
    serialized: bytes = example.SerializeToString()
    return serialized
