"""Activations of the pictures of one split, with the pictures' labels and domains."""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from trainer_module.data.random_views import RandomViews
from trainer_module.data.training_batches import View
from trainer_module.data.weighting import training_weights
from trainer_module.training_task import TrainingTask


@dataclass(frozen=True)
class Activations:
    """Activations of the pictures of one split, or of a selection of them.

    The arrays of activations hold all pictures of the split; a selection shares them and names
    its rows.

    Attributes:
        labels: Class names, str [rows].
        domains: Domain names, str [rows].
        rows: Row of each picture in the arrays, int64 [rows].
        is_new: Which pictures are new to the baseline, bool [rows], see `weighting.NewPictures`.
        embeddings: Pooled outputs of the pretrained backbone, float16 [all rows, dim].
        views: Outputs of the boundary block, one array per view, float16 [rows of the view, ...].
            The first view is the picture itself, the others are random. Empty without
            fine-tuning. Where no block is frozen, the pictures on disk are the only view.
        view_counts: Number of views of each picture, int64 [all rows]; None if all pictures have
            all views. A view made for only some pictures stores only their rows, in row order.
        random_views: Views that are made of those pictures in every epoch; None if views are
            stored.
    """

    labels: npt.NDArray[np.object_]
    domains: npt.NDArray[np.object_]
    rows: npt.NDArray[np.int64]
    is_new: npt.NDArray[np.bool_]
    embeddings: npt.NDArray[np.float16]
    views: list[View] = field(default_factory=list)
    view_counts: npt.NDArray[np.int64] | None = None
    random_views: RandomViews | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, chosen: npt.NDArray[np.bool_]) -> "Activations":
        """Return the rows for which `chosen`, bool [rows], is true; the arrays are shared."""
        return replace(
            self,
            labels=self.labels[chosen],
            domains=self.domains[chosen],
            rows=self.rows[chosen],
            is_new=self.is_new[chosen],
        )

    def rows_per_epoch(self) -> int:
        """Return the number of rows that one epoch draws.

        That is every row. With new and other rows it is the size of the larger part: rows of the
        smaller part repeat.
        """
        new = int(self.is_new.sum())
        return max(new, len(self) - new)

    def weights(self, task: TrainingTask) -> npt.NDArray[np.float32]:
        """Return the weight of every row in the training, float32 [rows]."""
        return training_weights(
            self.labels, self.domains, task.options, self.is_new, task.new_pictures.share
        )
