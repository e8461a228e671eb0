"""The unlabelled pictures of a retraining as examples for the Trainer, and their list."""

import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline.inputs.snapshot import LIST_SUFFIX
from pipeline.retraining.deliveries.batch_store import BatchRow
from trainer_module.contract import example_features
from trainer_module.contract.atomic_write import DRAFT_SUFFIX, atomic_write
from trainer_module.contract.listing_row import DIGEST_BYTES
from trainer_module.data.picture_storage import Storage

#: Name of the file with the examples, and beginning of the name of its folder.
FILE, PREFIX = "pictures.tfrecord", "unlabelled-"


def write_unlabelled(
    rows: list[BatchRow], root: Path, image_size: int, storage: Storage, folder: Path
) -> str:
    """Write transformed examples of unlabelled pictures, as Transform writes them, without a label.

    Pictures that cannot be decoded are left out. The list of the pictures stays when the examples
    are removed, see `read_list`.

    Args:
        rows: Rows of unlabelled pictures.
        root: Folder that their paths are relative to.
        image_size: Side of the pictures, in pixels.
        storage: How the pictures are stored, see `picture_encoding`.
        folder: Folder for the folder of the examples and for the list, which are named after the
            digest of the pictures.

    Returns:
        Path of the folder of the examples, "" without any. A complete folder is not written again,
        and others are removed.
    """
    if not rows:
        return ""
    names = "\n".join(f"{row['sha256']} {row['domain']} {row['path']}" for row in rows)
    digest = hashlib.sha256(f"{image_size} {storage}\n{names}".encode("utf-8", "surrogateescape"))
    target = folder / f"{PREFIX}{digest.hexdigest()[:16]}"
    for other in folder.glob("*"):  # left behind by a pass that failed or was killed
        if other.name.startswith(PREFIX) and other != target and other.is_dir():
            shutil.rmtree(other)
    if target.exists():
        return str(target)
    draft = folder / f"{target.name}{DRAFT_SUFFIX}"
    draft.mkdir(parents=True)
    if not _write_examples(rows, root, image_size, storage, draft / FILE):
        shutil.rmtree(draft)
        return ""
    digests = "".join(f"{row['sha256']}\n" for row in rows)
    atomic_write(folder / f"{target.name}{LIST_SUFFIX}", digests)
    draft.rename(target)
    return str(target)


def read_list(path: Path) -> set[bytes]:
    """Return the contents of the pictures of a list, see `picture_updates.content_of`."""
    return {bytes.fromhex(line)[:DIGEST_BYTES] for line in path.read_text().split()}


def _write_examples(
    rows: list[BatchRow], root: Path, image_size: int, storage: Storage, path: Path
) -> int:
    """Write the examples, and return their number."""
    import tensorflow as tf

    from components.image_example_gen.ingestion import map_ahead

    def read(row: BatchRow) -> bytes | None:
        return _example(row, root, image_size, storage)

    number = 0
    with tf.io.TFRecordWriter(str(path)) as writer, ThreadPoolExecutor(os.cpu_count()) as pool:
        for example in map_ahead(pool, read, rows):
            if example is not None:
                writer.write(example)
                number += 1
    return number


def _example(row: BatchRow, root: Path, image_size: int, storage: Storage) -> bytes | None:
    """Return a serialized tf.Example, see `contract.example_features`; None if it is unusable."""
    import tensorflow as tf

    from components.image_example_gen.ingestion import read_file
    from components.image_example_gen.picture_reader import UnusablePictureError, read_picture
    from trainer_module.data.picture_encoding import encode_pixels
    from trainer_module.data.preprocessing import decode_and_resize

    try:
        encoded = read_picture(read_file(str(root / row["path"])).content).encoded
    except UnusablePictureError:
        return None
    stored = encode_pixels(decode_and_resize(encoded, image_size), storage).numpy()
    values = {
        example_features.IMAGE: stored,
        example_features.IMAGE_ID: row["path"].encode("utf-8", "surrogateescape"),
        example_features.DOMAIN: row["domain"].encode(),
        example_features.LABEL: b"",
    }
    example = tf.train.Example()
    for name, value in values.items():
        example.features.feature[name].bytes_list.value.append(value)
    serialized: bytes = example.SerializeToString()
    return serialized
