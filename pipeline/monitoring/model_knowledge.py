"""What a version, and what is kept with it, says about pictures."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.data_gate.statistics.baseline_statistics import read_baseline_statistics
from components.data_gate.statistics.distributions import Distribution
from pipeline.monitoring.agreement import SecondClassifier
from pipeline.monitoring.known_pictures import KnownPictures
from pipeline.predicting.embedding_distance import distances_to_domains
from pipeline.retraining.assessing.accuracy_estimate import MIN_TESTED, KnownConfidences
from trainer_module.export.reference_embeddings import Reference


class ModelKnowledge:
    """Test predictions, training statistics and reference embeddings of a version."""

    def __init__(self, model: Path, reference: Reference, known: KnownPictures) -> None:
        """Read nothing yet.

        Args:
            model: Folder of the version.
            reference: Its reference embeddings.
            known: Pictures that it knows.
        """
        self._model, self._reference, self._known = model, reference, known

    @cached_property
    def _confidences(self) -> KnownConfidences:
        return KnownConfidences.read(self._model)

    @cached_property
    def second_classifier(self) -> SecondClassifier:
        """The classifier whose agreement with the version is measured."""
        return SecondClassifier(self._known)

    def usual(self, domain: str) -> tuple[float | None, float | None]:
        """Return mean confidence and accuracy on test pictures; None for a version without them.

        Args:
            domain: Client domain. Its own test pictures count, or all where it has too few.
        """
        tested = self._confidences
        own = tested.domains == domain
        if own.sum() < MIN_TESTED:
            own = np.ones(len(tested.domains), bool)
        if not own.any():
            return None, None
        return float(tested.confidences[own].mean()), float(tested.correct[own].mean())

    def thresholded_accuracy(
        self, domain: str, confidences: npt.NDArray[np.float32]
    ) -> float | None:
        """Return the accuracy that the confidences suggest; None for too few pictures.

        Args:
            domain: Client domain.
            confidences: Confidences on its pictures, float32 [rows].
        """
        estimate = self._confidences.estimate(domain, confidences)
        return estimate.accuracy if estimate else None

    def estimate_note(self, domain: str, count: int) -> str:
        """Return why the confidences suggest no accuracy, or what is wrong with it; "" if nothing.

        Args:
            domain: Client domain.
            count: Number of its pictures.
        """
        return self._confidences.estimate_note(domain, count)

    def distances(self, embeddings: npt.NDArray[np.floating[Any]]) -> dict[str, float]:
        """Return the distance of pictures to every known domain, as the assessment of a batch does.

        Args:
            embeddings: Embeddings of the pictures, float [rows, dim].
        """
        return distances_to_domains(embeddings, self._reference)

    def distributions(self) -> dict[str, Mapping[str, Distribution]]:
        """Return the distributions of measures of training pictures, by domain and measure."""
        statistics = read_baseline_statistics(str(self._model))
        if statistics is None:
            return {}
        return {name: found.numeric for name, found in statistics.domains.items()}
