"""Result of one stage of the training."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer_module.stages.scoring import Score


@dataclass(frozen=True)
class StageResult:
    """Weights of a classifier after one stage, and its predictions on the eval split.

    Attributes:
        name: Name of the stage, `frozen`, `fine_tuned` or `semi_supervised`.
        weights: Weights of the whole classifier, see `Classifier.get_weights`.
        logits: Logits of the eval split, float32 [rows, classes].
        score: Score on the eval split.
        seconds: Duration of the stage in seconds, including the passes over the pictures.
        epochs: Number of epochs that were trained.
        details: Further values to report, as JSON types.
        replaces: Names of earlier stages whose place it takes: it was compared with the last of
            them on the eval split already.
    """

    name: str
    weights: list[npt.NDArray[np.float32]]
    logits: npt.NDArray[np.float32]
    score: Score
    seconds: float
    epochs: int
    details: dict[str, Any] = field(default_factory=dict)
    replaces: tuple[str, ...] = ()
