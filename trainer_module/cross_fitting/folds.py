"""Folds of the pictures that are cross-fitted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

#: Number of folds. Each fold model is trained without one of them.
NUM_FOLDS = 4

#: Stands for a picture in no fold.
NO_FOLD = -1


@dataclass(frozen=True)
class Folds:
    """Folds of the pictures that are cross-fitted, by image ID.

    A picture keeps its fold in later runs: the fold models of a run start from those of the serving
    version, which were not trained on it either.

    Attributes:
        new: Folds of pictures that the serving version was not trained on.
        known: Folds of pictures that were cross-fitted for the serving version.
    """

    new: Mapping[str, int] = field(default_factory=dict)
    known: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.new) + len(self.known)

    def find(self, image_ids: "pa.LargeBinaryArray") -> npt.NDArray[np.int8]:
        """Return the fold of every picture, int8 [rows], from image IDs, [rows].

        Pictures that are not cross-fitted have `NO_FOLD`.
        """
        # Imported here: listings of pictures have folds, and need no Arrow.
        import pyarrow as pa
        import pyarrow.compute as pc

        folds = {**self.new, **self.known}
        names = [name.encode("utf-8", "surrogateescape") for name in folds]
        places = pc.index_in(image_ids, value_set=pa.array(names, pa.large_binary()))
        numbers = np.array([*folds.values(), NO_FOLD], np.int8)
        return numbers[places.fill_null(len(folds)).to_numpy()]

    def without_known(self) -> "Folds":
        """Return the folds of the new pictures alone."""
        return Folds(new=self.new)


#: A run in which nothing is cross-fitted.
NO_FOLDS = Folds()
