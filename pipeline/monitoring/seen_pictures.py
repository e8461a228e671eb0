"""What is kept of the pictures of one client domain: measures, but no pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.monitoring.known_pictures import COMPONENTS
from trainer_module.contract.example_features import MEASURES

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class SeenPictures:
    """Pictures in the order of their arrival.

    Attributes:
        times: Times in seconds since 1970, float64 [rows].
        labels: Predicted classes, str [rows].
        confidences: Probabilities of these, float32 [rows].
        novelties: Novelty, 0 to 1, float32 [rows]; NaN where it is not known.
        measures: `MEASURES` in this order, float32 [rows, 4].
        points: Points, see `KnownPictures`, float32 [rows, dim of points].
    """

    times: Array
    labels: Array
    confidences: Array
    novelties: Array
    measures: Array
    points: Array

    @classmethod
    def none(cls) -> "SeenPictures":
        """Return no picture."""
        return cls(
            np.empty(0),
            np.empty(0, str),
            np.empty(0, np.float32),
            np.empty(0, np.float32),
            np.empty((0, len(MEASURES)), np.float32),
            np.empty((0, COMPONENTS), np.float32),
        )

    def __len__(self) -> int:
        return len(self.times)

    def select(self, rows: Any) -> "SeenPictures":
        """Return some of the rows.

        Args:
            rows: Index of the rows, as NumPy takes it.
        """
        return SeenPictures(**{name: getattr(self, name)[rows] for name in NAMES})


#: Names of the arrays.
NAMES = tuple(one.name for one in fields(SeenPictures))


def joined(parts: Sequence[SeenPictures], most: int | None = None) -> SeenPictures:
    """Return the pictures of several parts, one after the other.

    Args:
        parts: At least one part.
        most: Number of newest pictures that are kept; None for all.
    """
    filled = [part for part in parts if len(part)] or list(parts[:1])
    rows = slice(None if most is None else -most, None)
    return SeenPictures(
        **{name: np.concatenate([getattr(part, name) for part in filled])[rows] for name in NAMES}
    )
