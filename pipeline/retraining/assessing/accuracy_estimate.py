"""Estimate of a model's accuracy on pictures without labels.

Average thresholded confidence ("Leveraging unlabeled data to predict out-of-distribution
performance", Garg et al., ICLR 2022, arXiv 2201.04234): on test pictures with labels, the threshold
is found above which as many confidences are as predictions are correct. The estimate is the share
of pictures without labels whose confidence is above it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer_module.contract import example_features
from trainer_module.contract.output_text.wording import counted

#: Test pictures of a domain, below which those of all domains give the threshold.
MIN_TESTED = 50

#: Pictures without labels below which nothing is estimated.
MIN_PICTURES = 10

#: Confidence level of the interval, and number of bootstrap samples that it is from.
LEVEL, NUM_SAMPLES = 0.9, 500

#: Seed of the bootstrap: the same pictures have the same interval.
SEED = 17


@dataclass(frozen=True)
class AccuracyEstimate:
    """Estimated accuracy, with what chance in the choice of the pictures could change.

    Attributes:
        accuracy: Estimate, 0 to 1.
        low: Lower end of the interval with the level `LEVEL`.
        high: Upper end of the interval. The error of the method in a new domain is no part of it.
    """

    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class KnownConfidences:
    """Confidences of a version on its test pictures.

    Attributes:
        domains: Names of the domains, str [pictures].
        confidences: Probabilities of the predicted classes, float32 [pictures].
        correct: Whether the prediction is correct, bool [pictures].
    """

    domains: npt.NDArray[np.object_]
    confidences: npt.NDArray[np.float32]
    correct: npt.NDArray[np.bool_]

    @classmethod
    def read(cls, model: Path) -> "KnownConfidences":
        """Read the test predictions that are kept with a version.

        Args:
            model: Folder of the version. One that was pushed before predictions were kept has none.

        Raises:
            UnavailableError: The file is unreadable or damaged.
        """
        # They import TFX.
        from components.evaluation.predictions.prediction_files import (
            CONFIDENCE,
            PREDICTED,
            text_array,
        )
        from components.evaluation.predictions.stored_predictions import read_stored

        stored = read_stored(model)
        labels = text_array(stored[example_features.LABEL])
        return cls(
            domains=text_array(stored[example_features.DOMAIN]),
            confidences=stored[CONFIDENCE].to_numpy().astype(np.float32),
            correct=text_array(stored[PREDICTED]) == labels,
        )

    def estimate(
        self, domain: str, confidences: npt.NDArray[np.float32]
    ) -> AccuracyEstimate | None:
        """Estimate the accuracy on pictures without labels.

        Args:
            domain: Domain of the pictures. The threshold is that of its test pictures, or of all
                where it has too few, as a new domain.
            confidences: Confidences on the pictures, float32 [pictures].

        Returns:
            None for fewer than `MIN_PICTURES` pictures, or without enough test pictures.
        """
        own = self._tested_rows(domain)
        if own.sum() < MIN_TESTED or len(confidences) < MIN_PICTURES:
            return None
        tested, correct = self.confidences[own], self.correct[own]
        generator = np.random.default_rng(SEED)
        samples = []
        for _ in range(NUM_SAMPLES):
            rows = generator.integers(0, len(tested), len(tested))
            # The share of pictures above a threshold is a proportion, with Jeffreys' prior.
            above = thresholded(tested[rows], correct[rows], confidences) * len(confidences)
            samples.append(generator.beta(above + 0.5, len(confidences) - above + 0.5))
        return AccuracyEstimate(
            accuracy=thresholded(tested, correct, confidences),
            low=float(np.quantile(samples, (1 - LEVEL) / 2)),
            high=float(np.quantile(samples, (1 + LEVEL) / 2)),
        )

    def estimate_note(self, domain: str, count: int) -> str:
        """Return why there is no estimate, or what is wrong with it; "" for a usual one.

        Args:
            domain: Domain of the pictures.
            count: Number of pictures without labels, at least one.
        """
        own = self._tested_rows(domain)
        if (tested := int(own.sum())) < MIN_TESTED:
            return (
                f"no estimate, as the version has {counted(tested, 'test picture')}, fewer than "
                f"{MIN_TESTED}"
            )
        if count < MIN_PICTURES:
            return f"no estimate for fewer than {MIN_PICTURES} pictures"
        if self.correct[own].all():
            return (
                f"rather too low, as all {counted(tested, 'test picture')} are classified "
                "correctly and nothing shows where the threshold is"
            )
        return ""

    def _tested_rows(self, domain: str) -> npt.NDArray[np.bool_]:
        """Return which test pictures give the threshold for a domain."""
        own: npt.NDArray[np.bool_] = self.domains == domain
        return own if own.sum() >= MIN_TESTED else np.ones(len(self.domains), bool)


def thresholded(
    tested: npt.NDArray[np.float32],
    correct: npt.NDArray[np.bool_],
    confidences: npt.NDArray[np.float32],
) -> float:
    """Return the share of confidences above the threshold of tested pictures.

    Args:
        tested: Confidences on pictures with labels, float32 [tested pictures].
        correct: Whether these predictions are correct, bool [tested pictures].
        confidences: Confidences on pictures without labels, float32 [pictures].

    Example:
        >>> import numpy as np
        >>> from pipeline.retraining.assessing.accuracy_estimate import thresholded
        >>> tested, correct = np.array([0.5, 0.7, 0.8, 0.9]), np.array([False, True, True, True])
        >>> thresholded(tested, correct, np.array([0.6, 0.7, 0.99]))
        0.6666666666666666
    """
    wrong = int(len(correct) - correct.sum())
    if wrong == len(tested):
        return 0.0
    threshold = np.partition(tested, wrong)[wrong]
    return float(np.mean(confidences >= threshold))
