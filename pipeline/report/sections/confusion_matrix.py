"""Confusion matrix of one domain."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: Classes with a row of their own. Of more classes, those with the most mistakes have one.
MAX_CLASSES = 20

OTHERS = "all others"


@dataclass(frozen=True)
class ConfusionMatrix:
    """Confusion matrix of one domain.

    Attributes:
        domain: Name of the domain.
        classes: Predicted classes of the columns. The last one is `OTHERS` if classes are hidden.
        rows: True class, its number of pictures, and the number for every column.
        num_hidden: Number of classes without a row, those with fewer mistakes.
    """

    domain: str
    classes: list[str]
    rows: list[tuple[str, int, list[int]]]
    num_hidden: int


def confusion_matrix(
    domain: str, labels: npt.NDArray[np.object_], predicted: npt.NDArray[np.object_]
) -> ConfusionMatrix:
    """Count the predictions of one domain by true class and predicted class.

    Args:
        domain: Name of the domain.
        labels: True classes, str [pictures].
        predicted: Predicted classes, str [pictures].
    """
    counts = Counter(zip(labels, predicted, strict=True))
    mistakes: Counter[str] = Counter(dict.fromkeys((*labels, *predicted), 0))
    for (label, prediction), count in counts.items():
        if label != prediction:
            mistakes.update({label: count, prediction: count})
    shown = sorted(sorted(mistakes, key=lambda name: (-mistakes[name], name))[:MAX_CLASSES])
    num_hidden = len(mistakes) - len(shown)
    rows = []
    for label in shown:
        total = sum(count for (true_class, _), count in counts.items() if true_class == label)
        cells = [counts[label, prediction] for prediction in shown]
        rows.append((label, total, cells + ([total - sum(cells)] if num_hidden else [])))
    return ConfusionMatrix(domain, shown + ([OTHERS] if num_hidden else []), rows, num_hidden)
