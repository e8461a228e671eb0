"""Index of the transformed examples of a split."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from trainer_module.contract import example_features
from trainer_module.contract.errors import DataError
from trainer_module.contract.folder_files import list_files
from trainer_module.contract.tfrecord_frames import FRAME_SIZE
from trainer_module.data.full_batches import Dataset
from trainer_module.data.record_files import consecutive_records, record_starts
from trainer_module.multi_worker.worker_group import ALONE, WorkerGroup

#: Records per batch while a split is indexed, and most shards that are indexed at a time. They
#: bound the memory: every shard has two batches of pictures in it.
INDEX_BATCH, INDEX_THREADS = 64, 8

#: Columns of the shard of each record, and of its start in the shard.
SHARD, START = "shard", "start"

#: Column of the digests, and the SipHash keys of the two halves of a digest.
DIGEST = "digest"
DIGEST_KEYS = ([1, 2], [3, 4])


@dataclass(frozen=True)
class Pictures:
    """Index of the pictures of one split, sorted by their digests. The pictures stay on disk.

    It takes the length of the image ID and about 70 bytes of memory per picture.

    Attributes:
        files: Paths of the TFRecord shards.
        image_ids: Image IDs, large binary [rows]; an ID may be as long as a path.
        labels: Class names, str [rows]. Equal names are one object.
        domains: Domain names, str [rows]. Equal names are one object.
        record_rows: Row of every record, in the order of the shards, int64 [rows].
        record_places: Number of the shard of every record, and its start there in bytes, int64
            [rows, 2].
        image_size: Side of the pictures, in pixels.
        digests: Digests of the stored pictures, int64 [rows, 2]. Pictures with equal pixels that
            are stored in the same way have equal digests, see `picture_encoding`.
    """

    files: list[str]
    image_ids: pa.LargeBinaryArray
    labels: npt.NDArray[np.object_]
    domains: npt.NDArray[np.object_]
    record_rows: npt.NDArray[np.int64]
    record_places: npt.NDArray[np.int64]
    image_size: int
    digests: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.image_ids)


@dataclass(frozen=True)
class ShardPart:
    """Consecutive records of a shard.

    Attributes:
        shard: Number of the shard.
        file: Path of the shard.
        start: Start of the first record, in bytes.
        count: Number of records; None for all up to the end.
    """

    shard: int
    file: str
    start: int = 0
    count: int | None = None


def read_pictures(patterns: list[str], image_size: int, workers: WorkerGroup = ALONE) -> Pictures:
    """Read the index of a split in one pass, several shards at a time, without decoding pixels.

    Beam writes records in no fixed order, and image IDs hold paths. Sorting by the digests of the
    stored pictures makes a training repeatable, wherever the pictures lie. Each of several workers
    reads as many bytes, and gets the index of the others' pictures.

    Args:
        patterns: Patterns of TFRecords: a folder, and a pattern of the names of its files.
        image_size: Side of the transformed pictures, in pixels.
        workers: Workers of the training, all of which call this function.

    Raises:
        DataError: The split is empty.
    """
    files = sorted(file for pattern in patterns for file in list_files(*pattern.rsplit("/", 1)))
    parts = _own_parts(files, workers)
    threads = max(1, min(INDEX_THREADS, os.cpu_count() or 1, len(parts)))
    with ThreadPoolExecutor(threads) as pool:
        own = _concatenate([SCHEMA.empty_table(), *pool.map(_read_part, parts)])
    index = _concatenate(
        [_deserialize(each) for each in workers.exchange_bytes(_serialize(own))]
        if workers.count > 1
        else [own]
    )
    if not len(index):
        raise DataError(
            f"no pictures in {', '.join(patterns)}. Add pictures, or enlarge the split's share."
        )
    ids = index[example_features.IMAGE_ID].combine_chunks()
    digests = _digests(index)
    order = _sort(digests, ids)
    record_rows: npt.NDArray[np.int64] = np.empty(len(ids), np.int64)
    record_rows[order] = np.arange(len(ids))
    return Pictures(
        files=files,
        image_ids=ids.take(pa.array(order)),
        labels=_names(index[example_features.LABEL])[order],
        domains=_names(index[example_features.DOMAIN])[order],
        record_rows=record_rows,
        record_places=np.stack([index[SHARD].to_numpy(), index[START].to_numpy()], axis=1),
        image_size=image_size,
        digests=digests[order],
    )


def _own_parts(files: list[str], workers: WorkerGroup) -> list[ShardPart]:
    """Return what this worker reads of the shards; every worker has as many bytes of them."""
    if workers.count == 1:
        return [ShardPart(number, file) for number, file in enumerate(files)]
    ends = np.cumsum([Path(file).stat().st_size for file in files])
    total = int(ends[-1]) if files else 0
    first, last = (total * (workers.index + more) // workers.count for more in (0, 1))
    parts = []
    for number, (file, end) in enumerate(zip(files, ends.tolist(), strict=True)):
        begin = end - Path(file).stat().st_size
        if begin < last and end > first:
            starts = record_starts(file, first - begin, last - begin)
            if len(starts):
                parts.append(ShardPart(number, file, int(starts[0]), len(starts)))
    return parts


def _read_part(part: ShardPart) -> pa.Table:
    """Return the columns of consecutive records of one shard, in their order."""
    start, batches = part.start, []
    for columns in _batches_of(part).map(_read_descriptors).prefetch(1):
        ends = start + np.cumsum(columns.pop(START).numpy() + FRAME_SIZE)
        starts = np.concatenate([[start], ends[:-1]])
        batches.append(_record_batch(columns, part.shard, starts))
        start = int(ends[-1])
    return _concatenate([pa.Table.from_batches(batches, SCHEMA)])


def _batches_of(part: ShardPart) -> Dataset:
    """Return a dataset of the records of a part of a shard, string [batch]."""
    count = part.count
    if count is None:
        return tf.data.TFRecordDataset(part.file).batch(INDEX_BATCH)
    # TensorFlow's dataset can only skip records, and reads them for that.
    return tf.data.Dataset.from_generator(
        lambda: consecutive_records(part.file, part.start, count),
        output_signature=tf.TensorSpec([], tf.string),
    ).batch(INDEX_BATCH)


def _concatenate(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def _serialize(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]  # Arrow has no types


def _deserialize(content: bytes) -> pa.Table:
    return pa.ipc.open_file(content).read_all()


#: Columns of the index of a shard.
SCHEMA = pa.schema(
    [
        (example_features.IMAGE_ID, pa.large_binary()),
        (example_features.LABEL, pa.dictionary(pa.int32(), pa.binary())),
        (example_features.DOMAIN, pa.dictionary(pa.int32(), pa.binary())),
        (DIGEST, pa.binary(16)),
        (SHARD, pa.int32()),
        (START, pa.int64()),
    ]
)


def _record_batch(
    columns: dict[str, Any], shard: int, starts: npt.NDArray[np.int64]
) -> pa.RecordBatch:
    """Return the columns of a batch as Arrow's, which hold no Python objects.

    Args:
        columns: What `_read_descriptors` returns.
        shard: Number of the shard.
        starts: Start of each record in the shard, int64 [batch].
    """
    halves = pa.py_buffer(columns[DIGEST].numpy().tobytes())
    count = len(columns[DIGEST])
    ids = pa.array(columns[example_features.IMAGE_ID].numpy(), pa.large_binary())
    names = [
        pa.array(columns[name].numpy(), pa.binary()).dictionary_encode()
        for name in (example_features.LABEL, example_features.DOMAIN)
    ]
    digests = pa.Array.from_buffers(pa.binary(16), count, [None, halves])
    shards = pa.array(np.full(count, shard, np.int32))
    return pa.RecordBatch.from_arrays(
        [ids, *names, digests, shards, pa.array(starts)], schema=SCHEMA
    )


def _read_descriptors(records: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return the columns of a batch, with the size of each record in place of its start.

    The digests are int64 [batch, 2].
    """
    names = (*example_features.DESCRIPTORS, example_features.IMAGE)
    columns: dict[str, tf.Tensor] = tf.io.parse_example(
        records, {name: tf.io.FixedLenFeature([], tf.string) for name in names}
    )
    stored = columns.pop(example_features.IMAGE)
    halves = [tf.strings.to_hash_bucket_strong(stored, 2**63 - 1, key) for key in DIGEST_KEYS]
    sizes = tf.strings.length(records)
    return columns | {DIGEST: tf.stack(halves, axis=1), START: tf.cast(sizes, tf.int64)}


def _digests(index: pa.Table) -> npt.NDArray[np.int64]:
    column = index[DIGEST].combine_chunks()
    return np.frombuffer(column.buffers()[1], np.int64, 2 * len(column)).reshape(-1, 2)


def _sort(digests: npt.NDArray[np.int64], ids: pa.LargeBinaryArray) -> npt.NDArray[np.int64]:
    """Return the records in the order of the bytes of their digests, copies in that of IDs."""
    halves = digests.view(">u8")  # big-endian numbers have the order of their bytes
    order = np.lexsort((halves[:, 1], halves[:, 0]))
    is_copy = (digests[order[1:]] == digests[order[:-1]]).all(axis=1)
    starts = np.flatnonzero(np.diff(is_copy.astype(np.int8), prepend=0, append=0) == 1)
    ends = np.flatnonzero(np.diff(is_copy.astype(np.int8), prepend=0, append=0) == -1) + 1
    for start, end in zip(starts, ends, strict=True):
        copies = order[start:end]
        order[start:end] = copies[np.argsort(ids.take(pa.array(copies)).to_numpy(False))]
    return order


def _names(column: pa.ChunkedArray) -> npt.NDArray[np.object_]:
    """Return a column of names as str, [rows]; equal names are one object."""
    encoded = column.combine_chunks()
    names = [name.decode("utf-8", "surrogateescape") for name in encoded.dictionary.to_pylist()]
    return np.array(names, object)[encoded.indices.to_numpy()]
