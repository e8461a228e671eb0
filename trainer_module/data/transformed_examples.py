"""Transformed examples: an index of a split, and batches of its pictures."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer_module.contract import example_features
from trainer_module.contract.errors import DataError
from trainer_module.contract.folder_files import list_files
from trainer_module.data.full_batches import Dataset, round_up, share_every_batch

#: Records per batch while a split is indexed.
INDEX_BATCH = 256

#: Column of the pixel digests, and the SipHash keys of the two halves of a digest.
DIGEST = "digest"
DIGEST_KEYS = ([1, 2], [3, 4])


@dataclass(frozen=True)
class Pictures:
    """Index of the pictures of one split, sorted by their pixels. Pixels stay on disk.

    Attributes:
        files: Paths of the TFRecord shards.
        image_ids: Image IDs, bytes [rows].
        labels: Class names, str [rows].
        domains: Domain names, str [rows].
        record_rows: Row of every record, in the order of the shards, int64 [rows].
        image_size: Side of the pictures, in pixels.
        digests: Digests of the pixels, 16 bytes each. Equal pictures have equal digests.
    """

    files: list[str]
    image_ids: npt.NDArray[np.object_]
    labels: npt.NDArray[np.object_]
    domains: npt.NDArray[np.object_]
    record_rows: npt.NDArray[np.int64]
    image_size: int
    digests: list[bytes]

    def __len__(self) -> int:
        return len(self.image_ids)


def read_pictures(patterns: list[str], image_size: int) -> Pictures:
    """Read the index of a split in one pass, without decoding pixels.

    Beam writes records in no fixed order, and image IDs hold paths. Sorting by pixels makes a
    training repeatable, wherever the pictures lie.

    Args:
        patterns: Patterns of TFRecords: a folder, and a pattern of the names of its files.
        image_size: Side of the transformed pictures, in pixels.

    Raises:
        DataError: The split is empty.
    """
    files = sorted(file for pattern in patterns for file in list_files(*pattern.rsplit("/", 1)))
    names = (*example_features.DESCRIPTORS, DIGEST)
    columns: dict[str, list[npt.NDArray[np.generic]]] = {name: [] for name in names}
    records = tf.data.TFRecordDataset(files).batch(INDEX_BATCH)
    for batch in records.map(_read_descriptors).prefetch(1):
        for name, values in batch.items():
            columns[name].append(values.numpy())
    if not columns[example_features.IMAGE_ID]:
        raise DataError(
            f"no pictures in {', '.join(patterns)}. Add pictures, or enlarge the split's share."
        )
    ids, domains, labels = (np.concatenate(columns[name]) for name in example_features.DESCRIPTORS)
    digests = [row.tobytes() for row in np.concatenate(columns[DIGEST])]
    order = sorted(range(len(ids)), key=lambda record: (digests[record], ids[record]))
    record_rows: npt.NDArray[np.int64] = np.empty(len(ids), np.int64)
    record_rows[order] = np.arange(len(ids))
    return Pictures(
        files=files,
        image_ids=ids[order],
        labels=_decode(labels[order]),
        domains=_decode(domains[order]),
        record_rows=record_rows,
        image_size=image_size,
        digests=[digests[record] for record in order],
    )


def _read_descriptors(records: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return IDs, domains and labels of a batch, and pixel digests, int64 [batch, 2]."""
    names = (*example_features.DESCRIPTORS, example_features.IMAGE)
    columns: dict[str, tf.Tensor] = tf.io.parse_example(
        records, {name: tf.io.FixedLenFeature([], tf.string) for name in names}
    )
    pixels = columns.pop(example_features.IMAGE)
    halves = [tf.strings.to_hash_bucket_strong(pixels, 2**63 - 1, key) for key in DIGEST_KEYS]
    return columns | {DIGEST: tf.stack(halves, axis=1)}


def _decode(values: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    return np.array([value.decode("utf-8", "surrogateescape") for value in values], object)


def view_seeds(
    pictures: Pictures, rows: npt.NDArray[np.int64], views: npt.NDArray[np.int64] | int, seed: int
) -> npt.NDArray[np.int32]:
    """Return the seeds of random views, int32 [rows, 2], as `augmentation.RandomView` takes them.

    Args:
        pictures: Index of the split. The first part of a seed is the digest of the pixels, so that
            a picture has the same views wherever it lies.
        rows: Rows of the pictures, int64 [rows].
        views: Number of the view, of each row or of all.
        seed: Seed of all random views.
    """
    digests = b"".join(pictures.digests[row] for row in rows)
    keys = np.frombuffer(digests, np.int64).reshape(-1, 2)[:, 0]
    numbers = np.broadcast_to(seed * 1009 + views, len(rows))
    return (np.stack([keys, numbers], axis=1) % 2**31).astype(np.int32)


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
    size = pictures.image_size
    spec = {example_features.IMAGE: tf.io.FixedLenFeature([], tf.string)}

    def decode(
        row: tf.Tensor, draw: tf.Tensor, record: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        example = tf.io.parse_single_example(record, spec)
        pixels = tf.io.parse_tensor(example[example_features.IMAGE], tf.uint8)
        return row, draw, tf.ensure_shape(pixels, [size, size, 3])

    rows = pictures.record_rows
    draws = view_seeds(pictures, rows, view, seed)
    if output_rows is not None:
        rows = output_rows[rows]
    numbered = tf.data.Dataset.from_tensor_slices((rows, draws))
    records = tf.data.Dataset.zip((numbered, tf.data.TFRecordDataset(pictures.files)))
    kept = records.map(lambda numbers, record: (*numbers, record)).filter(lambda row, *_: row >= 0)
    full = kept.repeat().take(round_up(int((rows >= 0).sum()), batch_size))
    return share_every_batch(full.map(decode, tf.data.AUTOTUNE).batch(batch_size).prefetch(2))
