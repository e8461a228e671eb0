"""The TFRecord files of one chunk: one per split."""

from collections.abc import Iterator

import tensorflow as tf
from tfx.dsl.io import fileio

from trainer_module.contract.atomic_write import DRAFT_SUFFIX
from trainer_module.contract.example_features import SPLITS


def shard_path(examples: str, split: str, suffix: str) -> str:
    """Return the path of the shard of one chunk and split.

    Encoded pictures do not compress further, so the file is uncompressed.

    Args:
        examples: URI of the `examples` artifact.
        split: Name of the split.
        suffix: Suffix of the file names of the chunk.
    """
    return f"{examples}/Split-{split}/data_tfrecord-{suffix}"


class Shards:
    """Writer of the shards of one chunk; they get their final paths when all are complete."""

    def __init__(self, examples: str, suffix: str) -> None:
        """Open one file per split.

        Args:
            examples: URI of the `examples` artifact.
            suffix: Suffix of the file names of the chunk.
        """
        self._paths = {split: shard_path(examples, split, suffix) for split in SPLITS}
        self._writers = {
            split: tf.io.TFRecordWriter(f"{path}{DRAFT_SUFFIX}")
            for split, path in self._paths.items()
        }

    def __enter__(self) -> "Shards":
        return self

    def write(self, split: str, example: bytes) -> None:
        """Append a serialized tf.Example to the shard of a split."""
        self._writers[split].write(example)

    def __exit__(self, failure: object, *_: object) -> None:
        for split, writer in self._writers.items():
            writer.close()
            if failure is None:
                path = self._paths[split]
                fileio.rename(f"{path}{DRAFT_SUFFIX}", path, overwrite=True)


def read_shard(examples: str, split: str, suffix: str) -> Iterator[bytes]:
    """Read the serialized tf.Examples of one chunk and split, in the order of the listing.

    Args:
        examples: URI of the `examples` artifact.
        split: Name of the split.
        suffix: Suffix of the file names of the chunk.
    """
    # A TFRecordDataset would be eager, and that starts every GPU, see `tensorflow_decoder`.
    yield from tf.compat.v1.io.tf_record_iterator(shard_path(examples, split, suffix))
