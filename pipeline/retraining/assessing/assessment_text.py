"""The assessment of a batch as a text for people."""

from collections.abc import Mapping

from pipeline.retraining.assessing.assessment import BatchAssessment, DomainAssessment
from trainer_module.contract.output_text.wording import listed

#: Significance level of drift: a smaller p-value means that a domain has drifted.
SIGNIFICANCE_LEVEL = 0.01


def describe_assessment(assessment: BatchAssessment, waiting: Mapping[str, int]) -> str:
    """Return the numbers of all domains as a text for people.

    Args:
        assessment: Assessment of the batch.
        waiting: Number of labelled pictures by domain that wait since earlier batches.
    """
    domains = assessment.domains.items()
    return "; ".join(_describe(name, domain, waiting.get(name, 0)) for name, domain in domains)


def _describe(name: str, domain: DomainAssessment, num_waiting: int) -> str:
    """Return the numbers of a domain."""
    total = domain.labelled + num_waiting
    more = f" ({total:,} with those that waited)" if num_waiting else ""
    parts = [f"{domain.labelled:,} labelled{more}"]
    if domain.unlabelled:
        parts.append(f"{domain.unlabelled:,} unlabelled")
    if domain.unusable:
        parts.append(f"{domain.unusable:,} unusable")
    if domain.known:
        parts.append(f"{domain.known:,} known already")
    if domain.accuracy is not None:
        parts.append(f"accuracy of the serving model {domain.accuracy:.3f}")
    parts += _describe_estimate(domain)
    if domain.confidence is not None and domain.known_confidence is not None:
        parts.append(f"confidence {domain.confidence:.2f} (usually {domain.known_confidence:.2f})")
    if domain.drift is not None and domain.drift < SIGNIFICANCE_LEVEL:
        parts.append(f"embeddings have drifted (p = {domain.drift:.3f})")
    if domain.distances:
        nearest = min(domain.distances, key=domain.distances.__getitem__)
        parts.append(f"nearest to '{nearest}' ({domain.distances[nearest]:.2f})")
    if domain.new_classes:
        parts.append(f"new classes {listed(domain.new_classes)}")
    kind = "new domain" if domain.is_new else "domain"
    return f"{kind} '{name}': {', '.join(parts)}"


def _describe_estimate(domain: DomainAssessment) -> list[str]:
    """Return the estimated accuracy, and why there is none, or what is wrong with it."""
    estimate, note = domain.estimated_accuracy, domain.estimate_note
    if estimate is None:
        return [f"accuracy without labels: {note}"] if note else []
    number = (
        f"accuracy without labels estimated at {estimate.accuracy:.2f} "
        f"({estimate.low:.2f} to {estimate.high:.2f})"
    )
    return [number, f"that is {note}"] if note else [number]


def describe_corrections(assessment: BatchAssessment) -> str:
    """Return what the batch changes of known pictures; "" if it changes nothing.

    Args:
        assessment: Assessment of the batch.
    """
    domains = assessment.domains.values()
    counts = (
        (sum(domain.changed_labels for domain in domains), "with another label"),
        (sum(domain.changed_domains for domain in domains), "in another domain"),
        (sum(domain.changed_groups for domain in domains), "in another group"),
        (sum(domain.changed_slices for domain in domains), "with another value of a slice"),
        (assessment.omitted, "not in the new delivery"),
    )
    parts = [f"{count:,} {what}" for count, what in counts if count]
    return f"known pictures: {', '.join(parts)}" if parts else ""
