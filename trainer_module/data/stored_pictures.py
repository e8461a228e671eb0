"""Pictures of a split on disk, which are read by row like an array of activations."""

import struct
from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer_module.contract import example_features
from trainer_module.data.picture_encoding import decode_stored
from trainer_module.data.transformed_examples import Pictures

#: Bytes around the content of a record: its length and the checksum of that, and its checksum. See
#: TensorFlow's documentation of the TFRecord format.
HEADER, FOOTER = struct.Struct("<Q4x"), 4


class _Record(NamedTuple):
    """Place of a record.

    Attributes:
        file: Number of the shard.
        start: Position of the content in the shard, in bytes.
        size: Size of the content, in bytes.
    """

    file: int
    start: int
    size: int


class StoredPictures:
    """Pixels of the pictures of one split, of which only the requested rows are in memory.

    It takes the place of an array of activations where no block is frozen. The shards are neither
    compressed nor changed during a training.

    Attributes:
        pictures: Index of the split.
        shape: Shape of all pixels, (rows, size, size, 3).
        dtype: Dtype of the pixels, uint8.
    """

    def __init__(self, pictures: Pictures) -> None:
        """Find the records in the shards, without reading them.

        Args:
            pictures: Index of the split.
        """
        self.pictures = pictures
        self.shape = (len(pictures), pictures.image_size, pictures.image_size, 3)
        self.dtype: np.dtype[np.uint8] = np.dtype(np.uint8)
        #: Shard, start and size of the record of each row.
        self._records: npt.NDArray[np.int64] = np.empty((len(pictures), 3), np.int64)
        records = [
            record
            for number, file in enumerate(pictures.files)
            for record in _records(number, file)
        ]
        self._records[pictures.record_rows] = records

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Read the pixels of some rows, uint8 [rows, size, size, 3]."""
        pixels: npt.NDArray[np.uint8] = np.empty((len(rows), *self.shape[1:]), np.uint8)
        records = self._records[rows]
        for number in np.unique(records[:, 0]):
            with open(self.pictures.files[number], "rb", buffering=0) as shard:  # noqa: PTH123 (a TFX path)
                for position in np.flatnonzero(records[:, 0] == number):
                    _, start, size = records[position]
                    pixels[position] = _read_pixels(shard, int(start), int(size), self.shape[1:])
        return pixels


def _records(number: int, file: str) -> Sequence[_Record]:
    """Return the records of a shard, in their order."""
    found = []
    with open(file, "rb") as shard:  # noqa: PTH123 (a path of TFX)
        while header := shard.read(HEADER.size):
            (size,) = HEADER.unpack(header)
            found.append(_Record(number, shard.tell(), size))
            shard.seek(size + FOOTER, 1)
    return found


def _read_pixels(
    shard: BinaryIO, start: int, size: int, shape: tuple[int, ...]
) -> npt.NDArray[np.uint8]:
    """Read the pixels of a transformed example, see `preprocessing.preprocessing_fn`."""
    shard.seek(start)
    features = tf.train.Example.FromString(shard.read(size)).features.feature
    content = features[example_features.IMAGE].bytes_list.value[0]
    pixels: npt.NDArray[np.uint8] = decode_stored(content, shape[0]).numpy()
    return pixels
