"""Rows of a listing -> shards of tf.Examples, a part of the catalog, and the rejects."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from components.image_example_gen.catalog import write_catalog
from components.image_example_gen.inventory import write_rejects
from components.image_example_gen.measures import look, measure
from components.image_example_gen.pictures import Picture, UnusablePictureError, read_picture
from components.image_example_gen.shards import Shards
from components.image_example_gen.splits import assign_split, digest, group_digest
from trainer_module.contract import example_features
from trainer_module.contract.locations import is_uri, locate

#: Pictures that are decoded ahead, and measured together. It bounds the memory of a worker.
BATCH = 64

#: Threads that wait for remote files. Local ones take a thread per core: they wait for the decoder,
#: and with more threads for each other (6 threads on 2 cores took 1.4 times as long as 2).
REMOTE_THREADS = 32

Row = dict[str, Any]
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Destination:
    """Where an ingestion writes: URIs of the three artifacts."""

    examples: str
    catalog: str
    rejects: str

    def folders(self) -> list[str]:
        """Everything that has to exist before the first chunk."""
        splits = [f"{self.examples}/Split-{split}" for split in example_features.SPLITS]
        return [*splits, self.catalog, self.rejects]


@dataclass(frozen=True)
class Ingested:
    """A row with its picture and the digest of its file, or with the reason why it has none."""

    row: Row
    picture: Picture | None = None
    content: bytes = b""
    num_bytes: int = 0
    reason: str = ""


def ingest_rows(
    rows: list[Row], data_root: str, split: dict[str, Any], destination: Destination, suffix: str
) -> None:
    """Ingest one chunk of a listing.

    A bad picture costs that picture. Pictures are decoded by threads, and written in the order of
    their rows.

    Args:
        rows: `path`, `domain`, `label`, and from a manifest `split` and `group`; or `reason`.
        data_root: folder or URI that paths are relative to.
        split: `eval` and `test` shares and `group_by`.
        destination: where the results go.
        suffix: of the names of all files of this chunk.
    """
    catalog: list[Row] = []
    rejects: list[Row] = []
    remote = any(is_uri(locate(data_root, row["path"])) for row in rows)
    threads = REMOTE_THREADS if remote else os.cpu_count()
    with Shards(destination.examples, suffix) as shards, ThreadPoolExecutor(threads) as pool:
        results = map_ahead(pool, lambda row: _ingest(row, data_root), rows)
        while batch := list(islice(results, BATCH)):
            rejects += [item.row | {"reason": item.reason} for item in batch if not item.picture]
            for item, entry in zip(*_entries(batch, split), strict=True):
                shards.write(entry["split"], _example(item, entry))
                catalog.append(entry)
    write_catalog(destination.catalog, suffix, catalog)
    write_rejects(destination.rejects, suffix, rejects)


def map_ahead(
    pool: ThreadPoolExecutor, function: Callable[[Item], Result], items: list[Item]
) -> Iterator[Result]:
    """Like `pool.map`, but with at most `BATCH` results that nobody has taken yet."""
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) == BATCH:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _ingest(row: Row, data_root: str) -> Ingested:
    try:
        if "reason" in row:
            raise UnusablePictureError(row["reason"])
        content = read_bytes(locate(data_root, row["path"]))
        return Ingested(row, read_picture(content), digest(content), len(content))
    except UnusablePictureError as reason:
        return Ingested(row, reason=str(reason))


def read_bytes(path: str) -> bytes:
    """Content of a local or remote file.

    Raises:
        UnusablePictureError: it cannot be opened.
    """
    try:
        if not is_uri(path):
            with open(path, "rb") as file:  # noqa: PTH123 (a name that Path would change)
                return file.read()
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            return file.read()
    except OSError as error:
        raise UnusablePictureError(
            f"cannot be opened: {os.strerror(error.errno) if error.errno else error}"
        ) from None


def _entries(batch: list[Ingested], split: dict[str, Any]) -> tuple[list[Ingested], list[Row]]:
    """The usable items of a batch, and their rows in the catalog."""
    usable = [item for item in batch if item.picture]
    if not usable:
        return [], []
    thumbnails = np.stack([item.picture.thumbnail for item in usable if item.picture])
    measured = {name: values.tolist() for name, values in measure(thumbnails).items()}
    looks = look(thumbnails)
    entries = []
    for number, item in enumerate(usable):
        measures = {name: values[number] for name, values in measured.items()}
        entries.append(_entry(item, split) | {"look": looks[number]} | measures)
    return usable, entries


def _entry(item: Ingested, split: dict[str, Any]) -> Row:
    row, picture = item.row, item.picture
    assert picture is not None  # noqa: S101 (for the type checker)
    group = group_digest(row, item.content, split["group_by"])
    return {
        example_features.IMAGE_ID: row["path"].encode("utf-8", "surrogateescape"),
        example_features.DOMAIN: row["domain"],
        example_features.LABEL: row["label"],
        "split": row.get("split") or assign_split(group, split["eval"], split["test"]),
        "given": "split" in row,
        "content": item.content,
        "group": group,
        "rewritten": picture.rewritten,
        "colour_profile": picture.colour_profile,
        "width": picture.width,
        "height": picture.height,
        "channels": picture.channels,
        "num_bytes": item.num_bytes,
    }


def _example(item: Ingested, entry: Row) -> bytes:
    """A serialized tf.Example, see `trainer_module.contract.example_features`."""
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
    return example.SerializeToString()
