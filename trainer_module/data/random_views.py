"""Random views of stored pictures, made anew whenever a picture is read."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer_module.data.augmentation import RandomView
from trainer_module.data.picture_batches import view_seeds
from trainer_module.data.stored_pictures import StoredPictures

#: Number of views to draw from where none is stored: no view comes twice in a training.
ANY_VIEW = 2**20


@dataclass(frozen=True)
class RandomViews:
    """Random views of the pictures of one split. They are those that would be stored otherwise.

    Attributes:
        stored: Pictures of the split.
        preset: Strength of the augmentation, see `augmentation.STRENGTHS`.
        seed: Seed of all random views.
        first_view: Number of the first view. View 0 is the picture itself.
    """

    stored: StoredPictures
    preset: str
    seed: int
    first_view: int = 0

    def read(
        self, rows: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64]
    ) -> list[npt.NDArray[np.generic]]:
        """Read pictures, and draw the seeds of their views.

        Args:
            rows: Rows of the pictures, int64 [batch].
            numbers: Number of the view of each picture, counted from the first view.

        Returns:
            Pixels, uint8 [batch, size, size, 3], seeds, int32 [batch, 2], and whether the view is
            a random one, bool [batch].
        """
        views = self.first_view + numbers
        seeds = view_seeds(self.stored.pictures, rows, views, self.seed)
        return [self.stored[rows], seeds, views > 0]

    def augment(self, pixels: tf.Tensor, seeds: tf.Tensor, is_random: tf.Tensor) -> tf.Tensor:
        """Return the views of what `read` returns, float32 [batch, size, size, 3], 0 to 255."""
        pixels = tf.cast(pixels, tf.float32)
        views = self._augmentation(pixels, seeds, training=True)
        return tf.where(is_random[:, tf.newaxis, tf.newaxis, tf.newaxis], views, pixels)

    @cached_property
    def _augmentation(self) -> RandomView:
        return RandomView(self.preset, dtype="float32")
