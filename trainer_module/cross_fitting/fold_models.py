"""Weights of the fold models, which are kept with a model so that the next run continues them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer_module.contract.model_assets import FOLD_MODELS
from trainer_module.contract.workspace_files.array_files import Arrays, read_arrays, write_arrays

Weights = list[npt.NDArray[np.float32]]


@dataclass(frozen=True)
class FoldModels:
    """Weights of the fold models, as far as they differ from those of the exported model.

    Attributes:
        changed: Fold -> position in `Classifier.get_weights` -> weights, float16.
    """

    changed: Mapping[int, Mapping[int, npt.NDArray[np.float16]]]

    @property
    def positions(self) -> set[int]:
        """Positions of the weights in which any fold model differs."""
        return {position for weights in self.changed.values() for position in weights}

    def start(self, fold: int, start: Weights, classes: int) -> Weights:
        """Return the weights from which a fold model continues.

        Args:
            fold: Number of the fold.
            start: Weights of the classifier before the training; those of the model that is kept
                with these fold models, except for the head of new classes.
            classes: Number of classes of that model.
        """
        weights = list(start)
        for position, values in self.changed[fold].items():
            if position < len(start) - 2:
                weights[position] = values.astype(np.float32)
            else:  # kernel or bias of the head, which may have got new classes
                weights[position] = start[position].copy()
                weights[position][..., :classes] = values
        return weights

    def write(self, model: str) -> None:
        """Write the weights into the folder of a model.

        Args:
            model: Folder of the SavedModel.
        """
        arrays = {
            f"{fold}/{position}": values
            for fold, weights in self.changed.items()
            for position, values in weights.items()
        }
        write_arrays(model, FOLD_MODELS, arrays)


def changed_weights(weights: Weights, exported: Weights) -> Mapping[int, npt.NDArray[np.float16]]:
    """Return the weights of a fold model that differ from the exported ones, by their position."""
    return {
        position: one.astype(np.float16)
        for position, (one, other) in enumerate(zip(weights, exported, strict=True))
        if not np.array_equal(one, other)
    }


def read_fold_models(model: str) -> FoldModels | None:
    """Read the fold models that are kept with a model; None for a model without any.

    Args:
        model: Folder of the SavedModel.

    Raises:
        UnavailableError: The file is unreadable or damaged.
    """
    return read_arrays(model, FOLD_MODELS, "fold models", _by_fold)


def _by_fold(arrays: Arrays) -> FoldModels:
    changed: dict[int, dict[int, npt.NDArray[np.float16]]] = {}
    for name, values in arrays.items():
        fold, position = map(int, name.split("/"))
        changed.setdefault(fold, {})[position] = values
    return FoldModels(changed)
