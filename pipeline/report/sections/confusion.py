"""Which classes a model takes for which, for one domain."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

#: Classes of a matrix; of more, those with the most mistakes are shown.
MOST_CLASSES = 20

OTHER = "all others"


@dataclass(frozen=True)
class Confusion:
    """One domain's matrix.

    Attributes:
        domain: its name.
        classes: of the columns, what the model says; those of the rows come first.
        rows: a true class, its pictures, and how many of them the model takes for each column.
        hidden: classes with fewer mistakes, that have no row.
    """

    domain: str
    classes: list[str]
    rows: list[tuple[str, int, list[int]]]
    hidden: int


def confusion_of(domain: str, labels: np.ndarray, answers: np.ndarray) -> Confusion:
    """Count answers by true class.

    Args:
        domain: whose pictures these are.
        labels: the true classes, str [pictures].
        answers: of the model, str [pictures].
    """
    counts = Counter(zip(labels, answers, strict=True))
    mistakes: Counter[str] = Counter(dict.fromkeys((*labels, *answers), 0))
    for (label, answer), count in counts.items():
        if label != answer:
            mistakes.update({label: count, answer: count})
    shown = sorted(sorted(mistakes, key=lambda name: (-mistakes[name], name))[:MOST_CLASSES])
    hidden = len(mistakes) - len(shown)
    rows = []
    for label in shown:
        total = sum(count for (true, _), count in counts.items() if true == label)
        cells = [counts[label, answer] for answer in shown]
        rows.append((label, total, cells + ([total - sum(cells)] if hidden else [])))
    return Confusion(domain, shown + ([OTHER] if hidden else []), rows, hidden)
