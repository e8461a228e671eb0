"""Pseudo-labels: predicted classes of unlabelled pictures, and how often each is trained on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: Exponent of the balance between predicted classes: 0 draws all confident pictures equally often,
#: 1 all predicted classes. Half-way, a rare class is seen more often, and a class that is predicted
#: by mistake does not take over.
BALANCE = 0.5

#: Rounding error of a mean: equal predictions must not be below their own mean.
ROUNDING = 1e-6


@dataclass(frozen=True)
class PseudoLabels:
    """Predicted classes of unlabelled pictures.

    Attributes:
        targets: Predicted class IDs, int32 [rows].
        weights: Relative frequency of each picture in the training, float32 [rows]; 0 for a picture
            whose prediction is not confident enough.
    """

    targets: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]

    @property
    def share(self) -> float:
        """Share of the pictures that are trained on, from 0 to 1."""
        return float((self.weights > 0).mean())


def select_pseudo_labels(probabilities: npt.NDArray[np.floating]) -> PseudoLabels:
    """Choose the predictions that are confident for their class.

    The threshold of a class is the mean confidence of all predictions, times the mean probability
    of the class relative to that of the most probable class: it follows what the model has learnt
    of the domain, and needs no labels ("FreeMatch", Wang et al., ICLR 2023, arXiv 2205.07246,
    section 4.1). Here it is computed from all pictures at once, not as a moving average over
    batches.

    Args:
        probabilities: Predicted probabilities, float [rows, classes].

    Example:
        >>> import numpy as np
        >>> from trainer_module.semi_supervised.pseudo_labels import select_pseudo_labels
        >>> labels = select_pseudo_labels(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]))
        >>> labels.targets.tolist(), (labels.weights > 0).tolist()
        ([0, 0, 1], [True, False, True])
    """
    targets = probabilities.argmax(axis=1)
    confidences = probabilities.max(axis=1)
    means = probabilities.mean(axis=0)
    thresholds = confidences.mean() * means / means.max()
    confident = confidences >= thresholds[targets] - ROUNDING
    counts = np.bincount(targets[confident], minlength=probabilities.shape[1])
    weights = np.where(confident, np.maximum(counts[targets], 1.0) ** -BALANCE, 0)
    return PseudoLabels(targets.astype(np.int32), weights.astype(np.float32))
