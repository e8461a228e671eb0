"""Weights of training pictures: balance between groups, and the share of new pictures."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trainer_module.training_options import TrainingOptions

Balance = Literal["none", "class", "domain", "cell"]


@dataclass(frozen=True)
class NewPictures:
    """Pictures that the baseline was not trained on, and their share of the training.

    Attributes:
        folders: Folders of the new pictures, which are prefixes of their image IDs.
        share: Share of the total training weight that new pictures get, from 0 to 1, whatever
            their number.
    """

    folders: tuple[str, ...] = ()
    share: float = 0.5

    def find(self, image_ids: pa.LargeBinaryArray) -> npt.NDArray[np.bool_]:
        """Return which pictures are new, bool [rows], from their image IDs, [rows]."""
        is_new: npt.NDArray[np.bool_] = np.zeros(len(image_ids), bool)
        for folder in self.folders:
            is_new |= pc.starts_with(image_ids, f"{folder}/".encode()).to_numpy(False)
        return is_new


#: In a first training no picture is marked as new.
NO_NEW_PICTURES = NewPictures()


def training_weights(
    labels: npt.NDArray[np.object_],
    domains: npt.NDArray[np.object_],
    options: TrainingOptions,
    is_new: npt.NDArray[np.bool_] | None = None,
    new_share: float = 0.5,
) -> npt.NDArray[np.float32]:
    """Return the weight of every training row.

    Args:
        labels: Class name of each row, str [rows].
        domains: Domain of each row, str [rows].
        options: Options of the trainer; `balance` and `objective.name` are used, see
            `effective_balance`.
        is_new: Rows of new pictures, bool [rows], see `NewPictures`; None if no row is new. New
            rows are balanced among themselves, and so are the other rows.
        new_share: Share of the total weight for new rows, if there are both kinds.

    Returns:
        Weights, float32 [rows], with a mean of 1.
    """
    balance = effective_balance(options.objective.name, options.balance)
    if is_new is None or is_new.all() or not is_new.any():
        return row_weights(labels, domains, balance)
    weights: npt.NDArray[np.float32] = np.empty(len(labels), np.float32)
    for part, share in ((is_new, new_share), (~is_new, 1 - new_share)):
        balanced = row_weights(labels[part], domains[part], balance)
        weights[part] = balanced * np.float32(share * len(labels) / part.sum())
    return weights


def effective_balance(objective: str, balance: Balance) -> Balance:
    """Return what is balanced under an objective.

    Args:
        objective: Name of the objective. `balanced` is `erm` with equal weight for every cell,
            whatever `balance` says.
        balance: Value of the option `balance`.
    """
    return "cell" if objective == "balanced" else balance


def row_weights(
    labels: npt.NDArray[np.object_], domains: npt.NDArray[np.object_], balance: Balance
) -> npt.NDArray[np.float32]:
    """Return row weights that give every group the same total, whatever its number of rows.

    Args:
        labels: Class name of each row, str [rows].
        domains: Domain of each row, str [rows].
        balance: What a group is: `class`, `domain` or `cell` (one class in one domain; cells
            without rows do not count). With `none` all rows weigh the same.

    Returns:
        Weights, float32 [rows], with a mean of 1.

    Example:
        >>> import numpy as np
        >>> from trainer_module.data.weighting import row_weights
        >>> labels = np.array(["cat", "cat", "cat", "dog"])
        >>> domains = np.array(["day", "day", "day", "night"])
        >>> [round(float(weight), 3) for weight in row_weights(labels, domains, "class")]
        [0.667, 0.667, 0.667, 2.0]
    """
    if balance == "none":
        return np.ones(len(labels), np.float32)
    class_numbers, domain_numbers = number_names(labels), number_names(domains)
    cells = class_numbers.astype(np.int64) * len(domain_numbers) + domain_numbers
    groups = {"class": class_numbers, "domain": domain_numbers, "cell": cells}[balance]
    _, group, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return (len(groups) / (len(counts) * counts[group])).astype(np.float32)


def number_names(names: npt.NDArray[np.object_]) -> npt.NDArray[np.int32]:
    """Return the number of every row's name in the order of the names, int32 [rows]."""
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.fromiter((numbers[name] for name in names), np.int32, len(names))
