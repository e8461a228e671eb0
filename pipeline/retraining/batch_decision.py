"""Decision on a batch: a policy without side effects, from the assessment to an outcome."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from components.data_gate.findings import new_class_finding
from components.data_gate.stopping import stop_message, stopping_findings
from components.data_gate.validation_options import ValidationOptions
from pipeline.config.retraining_options import RetrainOptions
from pipeline.predicting.embedding_distance import MIN_SAMPLE
from pipeline.retraining.assessing.assessment import BatchAssessment, DomainAssessment
from pipeline.retraining.assessing.assessment_text import (
    SIGNIFICANCE_LEVEL,
    describe_assessment,
    describe_corrections,
)
from pipeline.retraining.assessing.batch_predictions import ClassPredictions
from pipeline.retraining.batch import (
    AWAITING,
    CHECK_LABELS,
    EXIT_BAD_INPUT,
    EXIT_CODES,
    OPEN,
    BatchState,
)
from pipeline.retraining.current_reason import WAITS
from pipeline.retraining.unlabelled.unlabelled_plan import HeldOutCount, plan_unlabelled
from pipeline.summary.acceptance_result import describe_fall
from pipeline.summary.summary_schema import Summary
from pipeline.summary.summary_table import describe_change
from trainer_module.contract.errors import DataError, InputError, UnavailableError
from trainer_module.contract.output_text.wording import counted
from trainer_module.contract.printable_names import printable_name

Outcome = Literal[
    "retrain", "good_enough", "too_little_data", "labels_used", "held", "duplicate", "failed"
]

#: Drop of accuracy in a known domain that, without drift of its embeddings, means wrong labels.
SUSPICIOUS_DROP = 0.3

#: End of the reason of a candidate that awaits labels, before the number of labels.
LABELS_DECIDE = ": labels decide"

#: Classes that a held batch names, and pictures that it names of each.
MAX_CLASSES, MAX_NAMES = 5, 3


@dataclass(frozen=True)
class BatchDecision:
    """What to do with a batch.

    Attributes:
        outcome: `retrain`, or the state that the batch gets.
        reason: Reason with the numbers of the assessment, a text for people.
        unverified: Domains whose unlabelled pictures are trained on, though none there has a label.
    """

    outcome: Outcome
    reason: str
    unverified: tuple[str, ...] = ()


@dataclass(frozen=True)
class BatchResult:
    """Result of processing one batch.

    Attributes:
        state: New state of the batch; `OPEN` if the next pass retries it.
        reason: Reason for the state, a text for people.
        columns: Further columns of the ledger, which are part of the event, too.
        changes: Numbers of known pictures that the batch changes, which are part of the event.
        is_shown: Whether the run of the batch has shown the reason on the terminal.
        is_misconfigured: Whether the config is to blame, and no retry helps before it is changed.
    """

    state: BatchState
    reason: str
    columns: Mapping[str, str | int | None] = field(default_factory=dict)
    changes: Mapping[str, int] = field(default_factory=dict)
    is_shown: bool = False
    is_misconfigured: bool = False

    @property
    def exit_code(self) -> int:
        """Exit code of a pass over this batch alone."""
        return EXIT_BAD_INPUT if self.is_misconfigured else EXIT_CODES.get(self.state, 0)

    @classmethod
    def of_input_error(cls, error: InputError) -> "BatchResult":
        """Return the result of a batch that ends with an error.

        Only what is wrong with its data holds a batch. It stays open where the machine or the
        config is to blame.
        """
        if isinstance(error, DataError):
            return cls("held", str(error))
        is_misconfigured = not isinstance(error, UnavailableError)
        return cls(OPEN, str(error), is_misconfigured=is_misconfigured)

    @classmethod
    def of_run(cls, summary: Summary, min_pictures: int) -> "BatchResult":
        """Return the result of a batch from the summary of its run.

        Args:
            summary: Summary of the run.
            min_pictures: Labels per domain that decide on a candidate, `retrain.min_pictures`.
        """
        columns = {"run_id": summary.run_id, "version": summary.pushed_version}
        unverified = ", ".join(f"'{printable_name(name)}'" for name in summary.unverified)
        if summary.status == "awaiting_labels":
            counts = {"to_label": sum(map(len, summary.unverified.values()))}
            reason = (
                f"no gate failed, and no picture in {unverified} has a label{LABELS_DECIDE}, at "
                f"least {min_pictures:,} per domain; the more, the more certain"
            )
            return cls(AWAITING, reason, columns, counts)
        if summary.status == "pushed":
            reason = describe_change(summary)
            if fall := describe_fall(summary.acceptance):
                reason = f"{reason}; {fall}"
            if unverified:
                reason = f"{reason}; pushed without any label in {unverified}"
            return cls("pushed", reason, columns, is_shown=True)
        return cls("rejected", "; ".join(summary.reasons), columns, is_shown=True)


def decide(
    assessment: BatchAssessment,
    waiting: Mapping[str, int],
    test_accuracies: dict[str, float],
    options: RetrainOptions,
    labels_accepted: bool = False,
    validation: ValidationOptions | None = None,
    held_out: Mapping[str, HeldOutCount] = MappingProxyType({}),
    waiting_accuracies: Mapping[str, float] = MappingProxyType({}),
    disputed: Mapping[str, int] = MappingProxyType({}),
) -> BatchDecision:
    """Decide what to do with a batch.

    A domain needs a retraining by the accuracy of all its pictures that are not trained on: those
    of the batch, and those that wait. Otherwise the last few would decide for many.

    Args:
        assessment: Assessment of the batch.
        waiting: Number of labelled pictures by domain that wait for a training since earlier
            batches.
        test_accuracies: Accuracy of the serving version on the test split, by known domain.
        options: Limits.
        labels_accepted: Whether a person accepted the labels: then they are not checked.
        validation: Options of the data gate, which say whether new classes are allowed.
        held_out: Unlabelled pictures by domain that are not trained on.
        waiting_accuracies: Accuracy of the pictures that wait, by domain, see `waiting_accuracy`.
        disputed: Number of labelled pictures of the batch by domain that are not trained on,
            because other batches give them another label.
    """
    domains = assessment.domains
    numbers = describe_assessment(assessment, waiting)
    if not any(domain.labelled + domain.unlabelled for domain in domains.values()):
        return _decide_without_news(assessment, numbers)
    for name, domain in domains.items():
        if not labels_accepted and _labels_contradict(domain, test_accuracies.get(name)):
            return BatchDecision(
                "held",
                f"{numbers}: the pictures look like the earlier ones of '{name}', on which the "
                f"accuracy is {test_accuracies[name]:.3f}. {CHECK_LABELS}, and deliver the batch "
                f"again{_describe_contradictions(domain.classes)}",
            )
    # A batch that waits would stop every later run at the data gate.
    if stopping := _new_classes_that_stop(assessment, validation or ValidationOptions()):
        return BatchDecision("held", f"{numbers}: {stopping}")
    if corrections := describe_corrections(assessment):
        numbers = f"{numbers}; {corrections}"
    plan = plan_unlabelled(assessment, waiting, test_accuracies, held_out, options, disputed)
    numbers += plan.describe(options)
    changed = sum(domain.changed for domain in domains.values())
    is_corrected = changed and changed + assessment.waiting_changes >= options.min_pictures
    if is_corrected or plan.starts_retraining:
        return BatchDecision("retrain", numbers, plan.unverified)
    large = [
        name
        for name, domain in domains.items()
        if domain.labelled - disputed.get(name, 0) + waiting.get(name, 0) >= options.min_pictures
    ]
    if not large:
        return BatchDecision(
            "too_little_data",
            f"{numbers}: a domain needs {counted(options.min_pictures, 'labelled picture')}. "
            f"{WAITS}{_with_the_next_training(corrections)}",
        )
    if all(
        _is_good_enough(domains[name], waiting.get(name, 0), waiting_accuracies.get(name), options)
        for name in large
    ):
        return BatchDecision(
            "good_enough",
            f"{numbers}: an accuracy of at least {options.good_enough:.3f} needs no retraining"
            f"{_with_the_next_training(corrections)}",
        )
    return BatchDecision("retrain", numbers)


def _decide_without_news(assessment: BatchAssessment, numbers: str) -> BatchDecision:
    """Decide on a batch without a usable picture that the serving version does not know."""
    known = sum(domain.known for domain in assessment.domains.values())
    if not known:
        return BatchDecision(
            "held",
            "no picture of the batch is usable: correct its files, and deliver it again",
        )
    if assessment.omitted:
        corrections = describe_corrections(assessment)
        return BatchDecision(
            "good_enough",
            f"{numbers}; {corrections}: no picture is new{_with_the_next_training(corrections)}",
        )
    return BatchDecision(
        "duplicate",
        f"{numbers}: the serving version knows all pictures, in the same domains and with the same "
        "labels",
    )


def _new_classes_that_stop(assessment: BatchAssessment, validation: ValidationOptions) -> str:
    """Return what the data gate says of the new classes of a batch; "" where they may be there."""
    classes: Counter[str] = Counter()
    for domain in assessment.domains.values():
        classes.update(domain.new_classes)
    findings = [new_class_finding(classes)] if classes else []
    stopping = stopping_findings(findings, validation)
    return stop_message(stopping, validation) if stopping else ""


def _with_the_next_training(corrections: str) -> str:
    return ". The corrections are applied with the next training" if corrections else ""


def _is_good_enough(
    domain: DomainAssessment,
    num_waiting: int,
    waiting_accuracy: float | None,
    options: RetrainOptions,
) -> bool:
    if domain.new_classes or domain.accuracy is None:
        return False
    accuracy = domain.accuracy
    if waiting_accuracy is not None:
        correct = domain.labelled * accuracy + num_waiting * waiting_accuracy
        accuracy = correct / (domain.labelled + num_waiting)
    return accuracy >= options.good_enough


def _describe_contradictions(classes: Mapping[str, ClassPredictions]) -> str:
    """Return which classes of a domain are predicted as others, the worst first, with names.

    Args:
        classes: Predictions for the pictures of every class.
    """
    wrong = {name: one for name, one in classes.items() if one.other}
    order = sorted(wrong, key=lambda name: (-len(wrong[name].other), name))
    texts = [_describe_class(name, wrong[name]) for name in order[:MAX_CLASSES]]
    if len(order) > MAX_CLASSES:
        texts.append(f"and {counted(len(order) - MAX_CLASSES, 'more class')}")
    return f". The serving model predicts another class for {', '.join(texts)}" if texts else ""


def _describe_class(name: str, predictions: ClassPredictions) -> str:
    shown = sorted(predictions.other)[:MAX_NAMES]
    more = ", ..." if len(predictions.other) > MAX_NAMES else ""
    counts = f"{len(predictions.other):,} of {predictions.pictures:,}"
    return f"{counts} of '{name}' ({', '.join(map(printable_name, shown))}{more})"


def _labels_contradict(domain: DomainAssessment, test_accuracy: float | None) -> bool:
    """Return whether the accuracy fell, though the embeddings did not drift."""
    accuracy = domain.uncorrected_accuracy if domain.changed else domain.accuracy
    # A correction contradicts what the serving model has learnt: that is what it is for.
    if test_accuracy is None or accuracy is None or domain.labelled - domain.changed < MIN_SAMPLE:
        return False
    has_not_drifted = domain.drift is not None and domain.drift >= SIGNIFICANCE_LEVEL
    return has_not_drifted and accuracy < test_accuracy - SUSPICIOUS_DROP
