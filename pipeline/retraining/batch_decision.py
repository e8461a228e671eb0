"""The decision on a batch, from its assessment; the numbers are in the words."""

from dataclasses import dataclass
from typing import Literal

from pipeline.config.retraining_options import RetrainOptions
from pipeline.retraining.assessment import LEAST_SAMPLE, Assessed, DomainAssessment

Decision = Literal["retrain", "good_enough", "too_little_data", "held"]

#: Accuracy that a known domain loses in a batch without looking different: the labels are wrong.
SUSPICIOUS = 0.3

#: A p-value below which a sample of a known domain is said to have drifted.
SIGNIFICANT = 0.01


@dataclass(frozen=True)
class Verdict:
    """What is to be done with a batch, and why."""

    decision: Decision
    reason: str


def decide(
    assessed: Assessed,
    waiting: dict[str, int],
    tested: dict[str, float],
    options: RetrainOptions,
) -> Verdict:
    """Decide on a batch.

    Args:
        assessed: what the model that serves makes of it.
        waiting: labelled pictures per domain of earlier batches that were not trained on.
        tested: accuracy of the model that serves on the test pictures of the domains it knows.
        options: the limits.
    """
    words = "; ".join(describe(name, one) for name, one in assessed.domains.items())
    if not any(one.labelled + one.unlabelled for one in assessed.domains.values()):
        return Verdict("held", "no picture of the batch can be used")
    for name, one in assessed.domains.items():
        if _labels_contradict(one, tested.get(name)):
            return Verdict(
                "held",
                f"{words}: its pictures look like those of '{name}' so far, on which the model is "
                f"right on {tested[name]:.3f}. Check the labels, and deliver the batch again",
            )
    enough = {
        name: one
        for name, one in assessed.domains.items()
        if one.labelled + waiting.get(name, 0) >= options.min_pictures
    }
    if pseudo_labels(assessed, options):
        return Verdict("retrain", f"{words}; unlabelled pictures join the training")
    if not enough:
        return Verdict(
            "too_little_data",
            f"{words}: a domain needs {options.min_pictures} labelled pictures. They wait for more",
        )
    if all(_is_good(one, options) for one in enough.values()):
        return Verdict("good_enough", f"{words}: at least {options.good_enough:.3f} needs no work")
    return Verdict("retrain", words)


def pseudo_labels(assessed: Assessed, options: RetrainOptions) -> dict[str, str]:
    """Classes of unlabelled pictures of which the model is sure, equally many of each class.

    "Class-balanced self-training" (Zou et al., ECCV 2018, arXiv 1810.07911): without the balance,
    the classes that are easy in the new domain would crowd out the others. Of each class that was
    given at all, as many are taken as of the median one at most.

    Returns:
        Path -> class; empty where self-training is off.
    """
    if not options.self_training:
        return {}
    by_label: dict[str, list[tuple[float, str]]] = {}
    for path, (label, confidence) in assessed.answers.items():
        if confidence >= options.self_training_confidence:
            by_label.setdefault(label, []).append((-confidence, path))
    if not by_label:
        return {}
    sizes = sorted(len(paths) for paths in by_label.values())
    most = sizes[len(sizes) // 2]
    return {path: label for label, paths in by_label.items() for _, path in sorted(paths)[:most]}


def describe(name: str, one: DomainAssessment) -> str:
    """What was found in a domain, in words."""
    parts = [f"{one.labelled:,} labelled"]
    if one.unlabelled:
        parts.append(f"{one.unlabelled:,} unlabelled")
    if one.unusable:
        parts.append(f"{one.unusable:,} unusable")
    if one.accuracy is not None:
        parts.append(f"the model that serves is right on {one.accuracy:.3f}")
    if one.confidence is not None and one.known_confidence is not None:
        parts.append(f"confidence {one.confidence:.2f} (usually {one.known_confidence:.2f})")
    if one.drift is not None and one.drift < SIGNIFICANT:
        parts.append(f"it has drifted (p = {one.drift:.3f})")
    if one.distances:
        nearest = min(one.distances, key=one.distances.__getitem__)
        parts.append(f"nearest to '{nearest}' ({one.distances[nearest]:.2f})")
    if one.new_classes:
        parts.append(f"new classes {', '.join(one.new_classes)}")
    kind = "new domain" if one.is_new else "domain"
    return f"{kind} '{name}': {', '.join(parts)}"


def _is_good(one: DomainAssessment, options: RetrainOptions) -> bool:
    return one.accuracy is not None and one.accuracy >= options.good_enough and not one.new_classes


def _labels_contradict(one: DomainAssessment, tested: float | None) -> bool:
    """Whether the pictures are as ever, and the labels are not."""
    if tested is None or one.accuracy is None or one.labelled < LEAST_SAMPLE:
        return False
    same_look = one.drift is not None and one.drift >= SIGNIFICANT
    return same_look and one.accuracy < tested - SUSPICIOUS
