"""Transformed examples: an index of a split, and batches of its pictures."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from trainer_module.contract import example_features
from trainer_module.contract.errors import DataError
from trainer_module.contract.folder_files import list_files
from trainer_module.data.full_batches import Dataset, round_up, share_every_batch
from trainer_module.data.picture_encoding import decode_stored

#: Records per batch while a split is indexed, and most shards that are indexed at a time. They
#: bound the memory: every shard has two batches of pictures in it.
INDEX_BATCH, INDEX_THREADS = 64, 8

#: Column of the digests, and the SipHash keys of the two halves of a digest.
DIGEST = "digest"
DIGEST_KEYS = ([1, 2], [3, 4])


@dataclass(frozen=True)
class Pictures:
    """Index of the pictures of one split, sorted by their digests. The pictures stay on disk.

    It takes the length of the image ID and about 50 bytes of memory per picture.

    Attributes:
        files: Paths of the TFRecord shards.
        image_ids: Image IDs, large binary [rows]; an ID may be as long as a path.
        labels: Class names, str [rows]. Equal names are one object.
        domains: Domain names, str [rows]. Equal names are one object.
        record_rows: Row of every record, in the order of the shards, int64 [rows].
        image_size: Side of the pictures, in pixels.
        digests: Digests of the stored pictures, int64 [rows, 2]. Pictures with equal pixels that
            are stored in the same way have equal digests, see `picture_encoding`.
    """

    files: list[str]
    image_ids: pa.LargeBinaryArray
    labels: npt.NDArray[np.object_]
    domains: npt.NDArray[np.object_]
    record_rows: npt.NDArray[np.int64]
    image_size: int
    digests: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.image_ids)


def read_pictures(patterns: list[str], image_size: int) -> Pictures:
    """Read the index of a split in one pass, several shards at a time, without decoding pixels.

    Beam writes records in no fixed order, and image IDs hold paths. Sorting by the digests of the
    stored pictures makes a training repeatable, wherever the pictures lie.

    Args:
        patterns: Patterns of TFRecords: a folder, and a pattern of the names of its files.
        image_size: Side of the transformed pictures, in pixels.

    Raises:
        DataError: The split is empty.
    """
    files = sorted(file for pattern in patterns for file in list_files(*pattern.rsplit("/", 1)))
    threads = max(1, min(INDEX_THREADS, os.cpu_count() or 1, len(files)))
    with ThreadPoolExecutor(threads) as pool:
        shards = [shard for shard in pool.map(_read_shard, files) if len(shard)]
    if not shards:
        raise DataError(
            f"no pictures in {', '.join(patterns)}. Add pictures, or enlarge the split's share."
        )
    index = pa.concat_tables(shards).unify_dictionaries().combine_chunks()
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
        image_size=image_size,
        digests=digests[order],
    )


def _read_shard(file: str) -> pa.Table:
    """Return the columns of one shard, in the order of its records."""
    records = tf.data.TFRecordDataset(file).batch(INDEX_BATCH)
    batches = [_record_batch(batch) for batch in records.map(_read_descriptors).prefetch(1)]
    return pa.Table.from_batches(batches, SCHEMA).unify_dictionaries().combine_chunks()


#: Columns of the index of a shard.
SCHEMA = pa.schema(
    [
        (example_features.IMAGE_ID, pa.large_binary()),
        (example_features.LABEL, pa.dictionary(pa.int32(), pa.binary())),
        (example_features.DOMAIN, pa.dictionary(pa.int32(), pa.binary())),
        (DIGEST, pa.binary(16)),
    ]
)


def _record_batch(columns: dict[str, Any]) -> pa.RecordBatch:
    """Return what `_read_descriptors` gives as Arrow columns, which hold no Python objects."""
    halves = pa.py_buffer(columns[DIGEST].numpy().tobytes())
    count = len(columns[DIGEST])
    ids = pa.array(columns[example_features.IMAGE_ID].numpy(), pa.large_binary())
    names = [
        pa.array(columns[name].numpy(), pa.binary()).dictionary_encode()
        for name in (example_features.LABEL, example_features.DOMAIN)
    ]
    digests = pa.Array.from_buffers(pa.binary(16), count, [None, halves])
    return pa.RecordBatch.from_arrays([ids, *names, digests], schema=SCHEMA)


def _read_descriptors(records: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return IDs, domains and labels of a batch, and digests of the pictures, int64 [batch, 2]."""
    names = (*example_features.DESCRIPTORS, example_features.IMAGE)
    columns: dict[str, tf.Tensor] = tf.io.parse_example(
        records, {name: tf.io.FixedLenFeature([], tf.string) for name in names}
    )
    stored = columns.pop(example_features.IMAGE)
    halves = [tf.strings.to_hash_bucket_strong(stored, 2**63 - 1, key) for key in DIGEST_KEYS]
    return columns | {DIGEST: tf.stack(halves, axis=1)}


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


def view_seeds(
    pictures: Pictures, rows: npt.NDArray[np.int64], views: npt.NDArray[np.int64] | int, seed: int
) -> npt.NDArray[np.int32]:
    """Return the seeds of random views, int32 [rows, 2], as `augmentation.RandomView` takes them.

    Args:
        pictures: Index of the split. The first part of a seed is the digest of the picture, so that
            it has the same views wherever it lies.
        rows: Rows of the pictures, int64 [rows].
        views: Number of the view, of each row or of all.
        seed: Seed of all random views.
    """
    numbers = np.broadcast_to(seed * 1009 + views, len(rows))
    return (np.stack([pictures.digests[rows, 0], numbers], axis=1) % 2**31).astype(np.int32)


def picture_batches(
    pictures: Pictures,
    batch_size: int,
    view: int = 0,
    seed: int = 0,
    output_rows: npt.NDArray[np.int64] | None = None,
) -> Dataset:
    """Return a dataset that reads the pictures of a split once, in the order of the shards.

    Args:
        pictures: Index of the split.
        batch_size: Pictures per batch, over all devices.
        view: Number of the random view.
        seed: Seed of the random views.
        output_rows: Row number to return for each picture, int64 [rows]. Pictures with -1 are
            skipped; at least one must be kept. None returns every picture with its own row.

    Returns:
        Dataset of rows (int64 [batch]), draws (int32 [batch, 2], see
        `view_seeds`) and pixels (uint8 [batch, size, size, 3]). The last batch is
        filled up with the first pictures, so that every device always has some.
    """
    spec = {example_features.IMAGE: tf.io.FixedLenFeature([], tf.string)}

    def decode(
        row: tf.Tensor, draw: tf.Tensor, record: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        example = tf.io.parse_single_example(record, spec)
        pixels = decode_stored(example[example_features.IMAGE], pictures.image_size)
        return row, draw, pixels

    rows = pictures.record_rows
    draws = view_seeds(pictures, rows, view, seed)
    if output_rows is not None:
        rows = output_rows[rows]
    numbered = tf.data.Dataset.from_tensor_slices((rows, draws))
    records = tf.data.Dataset.zip((numbered, tf.data.TFRecordDataset(pictures.files)))
    kept = records.map(lambda numbers, record: (*numbers, record)).filter(lambda row, *_: row >= 0)
    full = kept.repeat().take(round_up(int((rows >= 0).sum()), batch_size))
    return share_every_batch(full.map(decode, tf.data.AUTOTUNE).batch(batch_size).prefetch(2))
