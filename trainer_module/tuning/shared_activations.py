"""Activations that the trials of a search share."""

import gc
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trainer_module.activations.activations import Activations
from trainer_module.activations.extraction import add_views, count_views, extract_activations
from trainer_module.backbones import INPUT
from trainer_module.classifier import Classifier
from trainer_module.data.transformed_examples import Pictures
from trainer_module.training_task import TrainingTask

#: What activations depend on, besides the pictures and the weights.
Key = tuple[object, ...]


@dataclass(frozen=True)
class Splits:
    """Activations of both splits.

    Attributes:
        train: Activations of the train split; with views, if there is a boundary.
        evaluation: Activations of the eval split.
    """

    train: Activations
    evaluation: Activations


class SharedActivations:
    """Computes activations once for all trials with the same boundary and augmentation.

    The frozen backbone sees the pictures themselves once per boundary, and each random view once
    per boundary and augmentation. What exceeds the space of the store is dropped, the least
    recently used first, and computed again when it is needed.
    """

    def __init__(
        self, classifier: Classifier, train: Pictures, evaluation: Pictures, space: int
    ) -> None:
        """Compute nothing yet.

        Args:
            classifier: Classifier with the pretrained backbone. Its backbone must have the same
                weights whenever activations are computed.
            train: Pictures to train on.
            evaluation: Pictures that every choice is based on.
            space: Bytes that the activations may take, in memory and on disk. Those in use are
                kept, also where they take more.
        """
        self._classifier = classifier
        self._train, self._evaluation = train, evaluation
        self._space = space
        self._kept: OrderedDict[Key, Splits] = OrderedDict()

    def splits(self, boundary: str | None, task: TrainingTask) -> Splits:
        """Return the activations for a training.

        Args:
            boundary: Last block that stays frozen, or `INPUT`; None without fine-tuning.
            task: Task of the training.
        """
        splits = self._pictures_alone(boundary, task)
        tuning = task.options.fine_tuning
        if boundary == INPUT:
            # Views are made whenever a picture is read, so there is nothing to share.
            train = add_views(splits.train, self._train, self._classifier, boundary, task)
            return replace(splits, train=train)
        if boundary is None or tuning.views == 1:
            return splits
        counts = count_views(splits.train.weights(task), tuning.views)
        if counts.min() < counts.max():
            # Balanced: pictures of rare groups have more views, and others are of no use for them.
            key: Key = (boundary, tuning.augmentation, tuning.views, counts.tobytes())
        else:
            key = (boundary, tuning.augmentation)
        kept = self._kept.get(key, splits)
        if len(kept.train.views) < counts.max():
            train = add_views(kept.train, self._train, self._classifier, boundary, task)
            kept = self._keep(key, replace(kept, train=train))
        self._kept.move_to_end(key)
        views = kept.train.views[: counts.max()]
        return replace(kept, train=replace(kept.train, views=views, view_counts=counts))

    def _pictures_alone(self, boundary: str | None, task: TrainingTask) -> Splits:
        """Return activations without random views."""
        key = (boundary,)
        if key not in self._kept:
            train, evaluation = extract_activations(
                (self._train, self._evaluation), self._classifier, boundary, task
            )
            self._keep(key, Splits(train, evaluation))
        self._kept.move_to_end(key)
        return self._kept[key]

    def _keep(self, key: Key, splits: Splits) -> Splits:
        self._kept[key] = splits
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and _num_bytes(self._kept.values()) > self._space:
            self._kept.popitem(last=False)
            gc.collect()  # models and datasets of earlier trials refer to the arrays in cycles
        return splits


def _num_bytes(kept: Iterable[Splits]) -> int:
    """Return the size of the different arrays, in bytes: several splits share some."""
    arrays: dict[int, npt.NDArray[np.float16]] = {}
    for splits in kept:
        for part in (splits.train, splits.evaluation):
            stored = [part.embeddings, *part.views]
            arrays.update({id(array): array for array in stored if isinstance(array, np.ndarray)})
    return sum(array.nbytes for array in arrays.values())
