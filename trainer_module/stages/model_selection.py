"""Selection of the best of several classifiers on the eval split, when the split is small."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from trainer_module.data.weighting import number_names
from trainer_module.export.calibration import fit_temperature
from trainer_module.stages.scoring import class_ids, score
from trainer_module.stages.stage_result import StageResult
from trainer_module.training_options import Criterion

#: Standard errors by which a classifier must be worse, in the whole or in a domain, to do harm.
HARM_ERRORS = 2.0

#: Rows added to those that a classifier gains over another, and to those that it loses.
ADDED_ROWS = 0.5


def select_stage(
    stages: list[StageResult],
    labels: npt.NDArray[np.object_],
    domains: npt.NDArray[np.object_],
    known: Sequence[str],
    criterion: Criterion,
    is_retraining: bool = False,
) -> StageResult:
    """Return the best stage on the eval split, see `select_best`; the earlier one on a tie.

    A stage that another one replaces does not count. In a retraining, the last stage is returned
    unless it does harm (`does_harm`) compared with an earlier one: a new head alone learns a new
    domain less than the stages after it, and few eval pictures seldom show that.

    Args:
        stages: Results of the stages, in the order of training.
        labels: Class names of the eval split, str [rows].
        domains: Domains of the eval split, str [rows].
        known: Class names of the classifier, in the order of their IDs.
        criterion: Accuracy to compare.
        is_retraining: Whether there are pictures that the serving model was not trained on.
    """
    compared = _without_replaced(stages)
    targets = class_ids(labels, known)
    logits = [stage.logits for stage in compared]
    if is_retraining and np.isfinite(logits[-1]).all():
        *earlier, last = (each.argmax(axis=-1) == targets for each in logits)
        if not any(does_harm(one, last, domains, criterion) for one in earlier):
            return compared[-1]
    return compared[select_best(logits, targets, domains, criterion)]


def describe_choice(
    stages: list[StageResult],
    chosen: StageResult,
    criterion: Criterion,
    is_retraining: bool = False,
) -> str:
    """Return why a stage is exported, a text for people.

    Args:
        stages: Results of the stages, in the order of training.
        chosen: One of them.
        criterion: Accuracy that was compared.
        is_retraining: See `select_stage`.
    """
    if len(stages) == 1:
        return "it is the only stage"
    numbers = ", ".join(f"{stage.score.by(criterion):.3f} {stage.name}" for stage in stages)
    texts = f"accuracy on the eval split {numbers}"
    compared = _without_replaced(stages)
    if len(compared) < len(stages):
        replaced = " and ".join(stages[-1].replaces)
        texts += f"; {stages[-1].name} replaces {replaced}, because harm is not proven there"
    best = max(stage.score.by(criterion) for stage in compared)
    rivals = [stage for stage in compared if stage.score.by(criterion) == best]
    if rivals == [chosen]:
        return texts
    if is_retraining and chosen is compared[-1]:
        return f"{texts}; chance explains the difference, so the last stage is exported"
    return f"{texts}; too close to tell apart, so the probability of the true class decides"


def _without_replaced(stages: list[StageResult]) -> list[StageResult]:
    """Return the stages that are compared; only the last one can replace others."""
    return [stage for stage in stages if stage.name not in stages[-1].replaces]


def select_best(
    logits: Sequence[npt.NDArray[np.float32]],
    targets: npt.NDArray[np.int32],
    domains: npt.NDArray[np.object_],
    criterion: Criterion,
) -> int:
    """Return the position of the best classifier.

    The classifier with the highest accuracy is compared with every other one on the same rows. If
    the difference is at most one standard error, accuracy cannot tell the two apart. Of all such
    classifiers, the one with the highest mean probability of the true class is selected. Each is
    calibrated first with a temperature of its own, so that its general confidence has no effect.
    A single changed prediction in a domain of 18 rows therefore decides nothing. (Log loss would
    be a bad measure here: it punishes the effect of label smoothing.)

    Args:
        logits: Logits of each classifier, float32 [rows, classes]; the first one wins a tie.
        targets: True class IDs, int32 [rows]; -1 for a class that no classifier knows.
        domains: Domain of each row, str [rows].
        criterion: Accuracy to compare.
    """
    correct = [each.argmax(axis=-1) == targets for each in logits]
    scores = [score(each.argmax(axis=-1), targets, domains).by(criterion) for each in logits]
    top = int(np.argmax(scores))
    weights = _row_weights(correct[top], domains, criterion)
    close = [
        position
        for position, value in enumerate(scores)
        if scores[top] - value <= _standard_error(correct[top], correct[position], domains, weights)
    ]
    confidences = [_true_class_probability(logits[each], targets, weights) for each in close]
    # The predictions of a stage that diverged are no numbers.
    return close[int(np.argmax(np.nan_to_num(confidences, nan=-1.0)))]


def is_worse(
    reference: npt.NDArray[np.bool_],
    correct: npt.NDArray[np.bool_],
    domains: npt.NDArray[np.object_],
    criterion: Criterion,
    errors: float = 1.0,
) -> bool:
    """Return whether a classifier is worse than a reference by more than chance explains.

    Args:
        reference: Rows that the reference predicts correctly, bool [rows].
        correct: Rows that the classifier predicts correctly, bool [rows].
        domains: Domain of each row, str [rows].
        criterion: Accuracy to compare.
        errors: Number of standard errors of the difference that chance explains.
    """
    weights = _row_weights(reference, domains, criterion)
    # The worst domain of each is another one.
    own_weights = _row_weights(correct, domains, criterion)
    loss = float(weights @ reference - own_weights @ correct)
    return loss > errors * _standard_error(reference, correct, domains, weights)


def is_worse_in_a_domain(
    reference: npt.NDArray[np.bool_],
    correct: npt.NDArray[np.bool_],
    domains: npt.NDArray[np.object_],
    errors: float = 1.0,
) -> bool:
    """Return whether a classifier is worse than a reference in any domain, see `is_worse`.

    Args:
        reference: Rows that the reference predicts correctly, bool [rows].
        correct: Rows that the classifier predicts correctly, bool [rows].
        domains: Domain of each row, str [rows].
        errors: Number of standard errors of the difference that chance explains.
    """
    rows_of_domains = [domains == domain for domain in set(domains)]
    return any(
        is_worse(reference[rows], correct[rows], domains[rows], "overall", errors)
        for rows in rows_of_domains
    )


def does_harm(
    reference: npt.NDArray[np.bool_],
    correct: npt.NDArray[np.bool_],
    domains: npt.NDArray[np.object_],
    criterion: Criterion,
) -> bool:
    """Return whether a classifier is worse than a reference in the whole or in any domain.

    By one standard error, one in six comparisons of equal classifiers would show harm, and there
    are several domains: `HARM_ERRORS` are needed.

    Args:
        reference: Rows that the reference predicts correctly, bool [rows].
        correct: Rows that the classifier predicts correctly, bool [rows].
        domains: Domain of each row, str [rows].
        criterion: Accuracy to compare in the whole.
    """
    return is_worse(reference, correct, domains, criterion, HARM_ERRORS) or is_worse_in_a_domain(
        reference, correct, domains, HARM_ERRORS
    )


def _row_weights(
    correct: npt.NDArray[np.bool_], domains: npt.NDArray[np.object_], criterion: Criterion
) -> npt.NDArray[np.float64]:
    """Return the weight of each row in the score, float64 [rows], with a sum of 1."""
    if criterion == "overall":
        return np.full(len(domains), 1 / len(domains))
    domain = number_names(domains)
    counts = np.bincount(domain)
    if criterion == "worst_domain":
        worst = np.argmin(np.bincount(domain, correct) / counts)
        return (domain == worst) / counts[worst]
    return 1 / (len(counts) * counts[domain])


def _standard_error(
    first: npt.NDArray[np.bool_],
    second: npt.NDArray[np.bool_],
    domains: npt.NDArray[np.object_],
    weights: npt.NDArray[np.float64],
) -> float:
    """Return the standard error of the difference of two scores on the same rows.

    Half a row is added to those gained and half a row to those lost, in every domain (Agresti and
    Min, 2005). A single changed prediction is then never more than chance.

    Args:
        first: Rows that the first classifier predicts correctly, bool [rows].
        second: Rows that the second classifier predicts correctly, bool [rows].
        domains: Domain of each row, str [rows].
        weights: Weight of each row in the score, float64 [rows].
    """
    differs, variance = first != second, 0.0
    for domain in set(domains):
        inside = domains == domain
        variance += float(
            np.square(weights[inside]).mean() * (differs[inside].sum() + 2 * ADDED_ROWS)
        )
    return float(np.sqrt(variance))


def _true_class_probability(
    logits: npt.NDArray[np.float32],
    targets: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float64],
) -> float:
    """Return the weighted mean probability of the true class; an unknown class counts as 0."""
    probabilities = softmax(logits / fit_temperature(logits, targets), axis=1)
    true_class = probabilities[np.arange(len(targets)), targets]
    return float(np.where(targets >= 0, true_class, 0) @ weights)
