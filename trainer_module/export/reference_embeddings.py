"""A sample of what a model makes of its domains, kept with it: what drift is measured against."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

#: Below the folder of a SavedModel.
FILE = "assets.extra/reference.npz"

#: Rows of every domain: enough to tell domains apart, and 0.5 MB each.
PER_DOMAIN = 200


@dataclass(frozen=True)
class Reference:
    """Eval pictures of the domains that a model was trained on.

    Attributes:
        embeddings: what its `embed` signature gives, float16 [rows, dim].
        confidences: probability of the class that it says, float32 [rows].
        domains: str [rows].
    """

    embeddings: np.ndarray
    confidences: np.ndarray
    domains: np.ndarray

    def of(self, domain: str) -> "Reference":
        """The rows of one domain."""
        own = self.domains == domain
        return Reference(self.embeddings[own], self.confidences[own], self.domains[own])

    def write(self, model: str) -> None:
        """Keep a sample with a model."""
        chosen = sample_rows(self.domains)
        path = Path(model, FILE)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            path,
            embeddings=self.embeddings[chosen].astype(np.float16),
            confidences=self.confidences[chosen].astype(np.float32),
            domains=self.domains[chosen].astype(str),
        )


def read_reference(model: str) -> Reference | None:
    """The sample of a model; None for one that was exported without."""
    path = Path(model, FILE)
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as arrays:
        return Reference(arrays["embeddings"], arrays["confidences"], arrays["domains"])


def sample_rows(domains: np.ndarray) -> np.ndarray:
    """At most `PER_DOMAIN` rows of every domain, evenly spread; int64, ascending."""
    chosen = []
    for domain in sorted(set(domains)):
        rows = np.flatnonzero(domains == domain)
        places = np.linspace(0, len(rows) - 1, min(len(rows), PER_DOMAIN))
        chosen.append(rows[places.round().astype(int)])
    return np.sort(np.concatenate(chosen))
