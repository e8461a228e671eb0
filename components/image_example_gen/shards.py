"""The TFRecord files of one chunk: one per split."""

from collections.abc import Iterator

import tensorflow as tf
from tfx.dsl.io import fileio

from trainer_module.contract.example_features import SPLITS


def shard_path(examples: str, split: str, suffix: str) -> str:
    """File of one chunk and split. Encoded pictures do not compress, so they are not compressed."""
    return f"{examples}/Split-{split}/data_tfrecord-{suffix}"


class Shards:
    """One open file per split; they get their names when all are complete."""

    def __init__(self, examples: str, suffix: str) -> None:
        self._paths = {split: shard_path(examples, split, suffix) for split in SPLITS}
        self._writers = {
            split: tf.io.TFRecordWriter(f"{path}.part") for split, path in self._paths.items()
        }

    def __enter__(self) -> "Shards":
        return self

    def write(self, split: str, example: bytes) -> None:
        """Append a serialized tf.Example."""
        self._writers[split].write(example)

    def __exit__(self, failure: object, *_: object) -> None:
        for split, writer in self._writers.items():
            writer.close()
            if failure is None:
                path = self._paths[split]
                fileio.rename(f"{path}.part", path, overwrite=True)


def read_shard(examples: str, split: str, suffix: str) -> Iterator[bytes]:
    """Serialized tf.Examples of one chunk and split, in the order of the listing."""
    for record in tf.data.TFRecordDataset(shard_path(examples, split, suffix)):
        yield record.numpy()
