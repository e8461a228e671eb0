"""Fits the acceptance rule of a trained classifier, from its own activations."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer_module.activations.activations import Activations
from trainer_module.activations.inference import Embedding
from trainer_module.export.acceptance import Acceptance, fit_acceptance
from trainer_module.export.acceptance_rule import AcceptanceRule
from trainer_module.export.novelty import HIGH_NOVELTY, fit_novelty

#: Most training pictures whose embeddings have part in the means.
MAX_PICTURES = 10_000


@dataclass(frozen=True)
class EvalPredictions:
    """Predictions of the trained classifier for the eval split.

    Attributes:
        embeddings: Embeddings, float32 [rows, dim].
        confidences: Calibrated probability of the predicted class, float [rows].
        correct: Whether the prediction is correct, bool [rows].
        domains: Names of the domains, str [rows].
    """

    embeddings: npt.NDArray[np.float32]
    confidences: npt.NDArray[Any]
    correct: npt.NDArray[np.bool_]
    domains: npt.NDArray[Any]


def fit_rule(
    embed: Embedding, train: Activations, evaluation: EvalPredictions, accepted_accuracy: float
) -> tuple[AcceptanceRule, Acceptance]:
    """Fit the acceptance rule under the present weights of the backbone.

    All workers of a training call this, because the backbone sees training pictures.

    Args:
        embed: Function that returns embeddings under these weights.
        train: Activations of the train split.
        evaluation: Predictions for the eval split.
        accepted_accuracy: Value of the option, see `ServeOptions`.
    """
    sample = train.select(_sample(train.domains, train.labels))
    embeddings = embed(sample)
    novelty_model = fit_novelty(embeddings, sample.domains, sample.labels, evaluation.embeddings)
    acceptance = fit_acceptance(
        evaluation.confidences,
        novelty_model.novelty(evaluation.embeddings),
        evaluation.correct,
        evaluation.domains,
        accepted_accuracy,
        max_novelty=HIGH_NOVELTY,
    )
    rule = AcceptanceRule(novelty_model, acceptance.min_confidence, acceptance.max_novelty)
    return rule, acceptance


def _sample(
    domains: npt.NDArray[np.object_], labels: npt.NDArray[np.object_]
) -> npt.NDArray[np.bool_]:
    """Choose at most `MAX_PICTURES` rows, as even as possible over the classes of all domains."""
    seen: Counter[tuple[str, str]] = Counter()
    ranks = np.empty(len(labels), np.int64)
    for row, group in enumerate(zip(domains, labels, strict=True)):
        ranks[row] = seen[group]
        seen[group] += 1
    chosen = np.zeros(len(labels), bool)
    chosen[np.argsort(ranks, kind="stable")[:MAX_PICTURES]] = True
    return chosen
