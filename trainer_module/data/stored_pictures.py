"""Pictures of a split on disk, which are read by row like an array of activations."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer_module.contract import example_features
from trainer_module.data.picture_encoding import decode_stored
from trainer_module.data.record_files import read_places
from trainer_module.data.transformed_examples import Pictures


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
        """Set the index.

        Args:
            pictures: Index of the split.
        """
        self.pictures = pictures
        self.shape = (len(pictures), pictures.image_size, pictures.image_size, 3)
        self.dtype: np.dtype[np.uint8] = np.dtype(np.uint8)
        #: Number of the shard of each row, and the start of its record there.
        self._places: npt.NDArray[np.int64] = np.empty((len(pictures), 2), np.int64)
        self._places[pictures.record_rows] = pictures.record_places

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Read the pixels of some rows, uint8 [rows, size, size, 3]."""
        pixels: npt.NDArray[np.uint8] = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for position, record in enumerate(read_places(self.pictures.files, self._places[rows])):
            features = tf.train.Example.FromString(record).features.feature
            content = features[example_features.IMAGE].bytes_list.value[0]
            pixels[position] = decode_stored(content, self.pictures.image_size).numpy()
        return pixels
