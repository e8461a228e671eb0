"""Finds pictures that may be mislabelled: their features contradict their label.

The method is confident learning ("Confident learning: estimating uncertainty in dataset labels",
Northcutt, Jiang and Chuang, 2021, arXiv 1911.00068). A picture is an issue if a classifier that was
trained without it gives another class at least the mean probability that this class has among the
pictures with its label. The issues are ordered by the probability of the given label, the least
first. That order counts: on PACS with one wrong label in a hundred, 89 % of the first 24 issues are
wrong, and with five in a hundred all of them; of all issues it is 12 and 45 %. Of 700 pictures with
five wrong labels in a hundred, 64 % of the first 24 are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trainer_module.contract.model_assets import LABEL_ISSUES
from trainer_module.contract.workspace_files.array_files import read_arrays, write_arrays
from trainer_module.data.weighting import number_names
from trainer_module.label_issues.linear_cross_validation import (
    EmbeddingRows,
    cross_validated_probabilities,
)

#: Most issues that are kept with a model, the most suspicious ones.
MAX_ISSUES = 1000

#: Fewest pictures of a class whose labels are examined: fewer do not show what it looks like.
MIN_PICTURES = 10


@dataclass(frozen=True)
class LabelIssues:
    """Pictures that may be mislabelled, the most suspicious first.

    Attributes:
        image_ids: Image IDs, bytes [issues].
        domains: Names of the domains, str [issues].
        labels: Given labels, str [issues].
        suggested: Classes that fit better, str [issues].
        qualities: Probability of the given label, float32 [issues].
    """

    image_ids: npt.NDArray[np.bytes_]
    domains: npt.NDArray[np.str_]
    labels: npt.NDArray[np.str_]
    suggested: npt.NDArray[np.str_]
    qualities: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.image_ids)

    def write(self, model: str) -> None:
        """Write the issues into the folder of a model.

        Args:
            model: Folder of the SavedModel.
        """
        write_arrays(model, LABEL_ISSUES, vars(self))


def read_label_issues(model: str) -> LabelIssues | None:
    """Read the issues of a model; None for a model that an earlier release made.

    Args:
        model: Folder of the SavedModel.

    Raises:
        UnavailableError: The file is unreadable or damaged.
    """
    names = LabelIssues.__dataclass_fields__
    return read_arrays(
        model,
        LABEL_ISSUES,
        "label issues",
        lambda arrays: LabelIssues(*(arrays[name] for name in names)),
    )


def find_label_issues(
    image_ids: pa.LargeBinaryArray,
    parts: Sequence[EmbeddingRows],
    domains: npt.NDArray[np.object_],
    labels: npt.NDArray[np.object_],
    seed: int,
) -> LabelIssues:
    """Return the pictures that may be mislabelled, `MAX_ISSUES` at most.

    Copies of a picture with the same wrong label are not found: they confirm each other.

    Args:
        image_ids: Image IDs, large binary [rows].
        parts: Embeddings, one row per picture.
        domains: Names of the domains, str [rows].
        labels: Class names, str [rows].
        seed: Seed of the cross-validation.
    """
    names = np.array(sorted(set(labels)), object)
    targets = number_names(labels)
    counts = np.bincount(targets, minlength=len(names))
    rows, suggested, qualities = np.zeros(0, np.int64), targets[:0], np.zeros(0, np.float32)
    if np.count_nonzero(counts >= MIN_PICTURES) >= 2:
        probabilities = cross_validated_probabilities(parts, targets, len(names), seed)
        rows, suggested = _contradictions(probabilities, targets, counts)
        qualities = probabilities[rows, targets[rows]]
    return LabelIssues(
        image_ids=np.array(image_ids.take(pa.array(rows)).to_pylist(), np.bytes_),
        domains=domains[rows].astype(np.str_),
        labels=labels[rows].astype(np.str_),
        suggested=names[suggested].astype(np.str_),
        qualities=qualities.astype(np.float32),
    )


def _contradictions(
    probabilities: npt.NDArray[np.float32],
    targets: npt.NDArray[np.int32],
    counts: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the rows that are issues, the most suspicious first, and the classes that fit better.

    Args:
        probabilities: Cross-validated probabilities, float32 [rows, classes].
        targets: Given class IDs, int32 [rows].
        counts: Number of rows of each class, int64 [classes].
    """
    given = probabilities[np.arange(len(targets)), targets]
    means = np.bincount(targets, given, len(counts)) / np.maximum(counts, 1)
    limits = np.where(counts >= MIN_PICTURES, means, np.inf)
    confident = np.where(probabilities >= limits, probabilities, -1.0)
    suggested = confident.argmax(axis=1)
    is_issue = (confident.max(axis=1) >= 0) & (suggested != targets)
    is_issue &= (counts >= MIN_PICTURES)[targets]
    rows = np.flatnonzero(is_issue)
    rows = rows[np.argsort(given[rows], kind="stable")][:MAX_ISSUES]
    return rows, suggested[rows]
