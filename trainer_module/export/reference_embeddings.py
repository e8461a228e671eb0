"""A sample of the embeddings of every domain, which is kept with a model to measure drift."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer_module.contract.model_assets import REFERENCE
from trainer_module.contract.workspace_files.array_files import read_arrays, write_arrays

#: Most rows per domain: enough to tell domains apart, and about 0.5 MB.
PER_DOMAIN = 200


@dataclass(frozen=True)
class Reference:
    """Embeddings and confidences of eval pictures.

    Attributes:
        embeddings: Output of the signature `embed`, float16 [rows, dim].
        confidences: Probability of the predicted class, float32 [rows].
        domains: Names of the domains, str [rows].
        labels: Names of the classes, str [rows]; None for a model that was exported without them.
    """

    embeddings: npt.NDArray[Any]
    confidences: npt.NDArray[Any]
    domains: npt.NDArray[Any]
    labels: npt.NDArray[Any] | None = None

    def of_domain(self, domain: str) -> "Reference":
        """Return the rows of one domain."""
        return self._select(self.domains == domain)

    def write(self, model: str) -> None:
        """Write a sample of the rows into the folder of a model.

        Args:
            model: Folder of the SavedModel.
        """
        chosen = self._select(sample_rows(self.domains))
        sample = {
            "embeddings": chosen.embeddings.astype(np.float16),
            "confidences": chosen.confidences.astype(np.float32),
            "domains": chosen.domains.astype(str),
        }
        if chosen.labels is not None:
            sample["labels"] = chosen.labels.astype(str)
        write_arrays(model, REFERENCE, sample)

    def _select(self, rows: npt.NDArray[Any]) -> "Reference":
        return Reference(
            self.embeddings[rows],
            self.confidences[rows],
            self.domains[rows],
            None if self.labels is None else self.labels[rows],
        )


def read_reference(model: str) -> Reference | None:
    """Read the sample of a model; None for a model that was exported without a sample.

    Args:
        model: Folder of the SavedModel.

    Raises:
        UnavailableError: The sample is unreadable or damaged.
    """
    return read_arrays(
        model,
        REFERENCE,
        "reference embeddings",
        lambda arrays: Reference(
            arrays["embeddings"],
            arrays["confidences"],
            arrays["domains"],
            arrays.get("labels"),
        ),
    )


def sample_rows(domains: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Choose at most `PER_DOMAIN` evenly spread rows of every domain.

    Args:
        domains: Names of the domains, str [rows].

    Returns:
        Indices of the rows, int64, ascending.
    """
    chosen = []
    for domain in sorted(set(domains)):
        rows = np.flatnonzero(domains == domain)
        positions = np.linspace(0, len(rows) - 1, min(len(rows), PER_DOMAIN))
        chosen.append(rows[positions.round().astype(int)])
    return np.sort(np.concatenate(chosen))
