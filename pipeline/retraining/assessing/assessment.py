"""Assessment of a batch: how the serving model does on it, before anything is trained."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from pipeline.predicting.embedding_distance import (
    MIN_SAMPLE,
    distances_to_domains,
    permutation_p_value,
)
from pipeline.retraining.assessing.accuracy_estimate import AccuracyEstimate, KnownConfidences
from pipeline.retraining.assessing.batch_predictions import (
    BatchPredictions,
    ClassPredictions,
    predict_rows,
)
from pipeline.retraining.deliveries.batch_store import BatchRow
from trainer_module.contract.model_assets import DESCRIPTION
from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION, reading
from trainer_module.export.reference_embeddings import Reference, read_reference
from trainer_module.export.saved_model_classifier import SavedModelClassifier


class DomainAssessment(BaseModel):
    """Assessment of one domain of a batch.

    Attributes:
        labelled: Number of usable pictures with a label.
        unlabelled: Number of usable pictures without a label.
        known: Number of pictures that the serving version knows as the batch says; they are
            counted nowhere else.
        changed: Number of known pictures with another label or in another domain; they are among
            the labelled ones.
        changed_labels: Number of known pictures with another label.
        changed_domains: Number of known pictures that were in another domain.
        changed_groups: Number of known pictures in another group.
        changed_slices: Number of known pictures with another value of a slice.
        unusable: Number of files that are unusable.
        is_new: Whether the serving model was not trained on this domain.
        new_classes: Classes that the serving model does not know, with the number of their
            labelled pictures.
        num_predicted: Number of pictures that the serving model classified; "asked" in the ledger.
        accuracy: Accuracy on the classified pictures with a label; None without any.
        uncorrected_accuracy: Accuracy on those of them whose label is not a correction; None
            without any.
        confidence: Mean confidence on the classified pictures; None without any.
        known_confidence: Mean confidence on the eval pictures of this domain that the model was
            trained with; for a new domain on those of all domains.
        estimated_accuracy: Estimate of the accuracy on the classified pictures without a label;
            None without enough of them.
        estimate_note: Why there is none, or what is wrong with it; "" for a usual one, and without
            such pictures.
        drift: p-value of the hypothesis that the embeddings of the batch and the earlier ones of
            this domain have the same distribution; None for a new domain or a small sample of
            either.
        classes: Predictions by class; they are not kept in the ledger.
        distances: Distance of the embeddings to those of known domains, see
            `distances_to_domains`.
    """

    labelled: int
    unlabelled: int
    unusable: int
    is_new: bool
    new_classes: dict[str, int]
    num_predicted: int = Field(serialization_alias="asked")
    accuracy: float | None
    confidence: float | None
    known_confidence: float | None
    drift: float | None
    distances: dict[str, float]
    known: int = 0
    changed: int = 0
    changed_labels: int = 0
    changed_domains: int = 0
    changed_groups: int = 0
    changed_slices: int = 0
    uncorrected_accuracy: float | None = None
    estimated_accuracy: AccuracyEstimate | None = None
    estimate_note: str = ""
    classes: dict[str, ClassPredictions] = Field(default={}, exclude=True)


@dataclass(frozen=True)
class BatchAssessment:
    """Assessment of a batch.

    Attributes:
        domains: Assessments by domain.
        omitted: Number of known pictures of its earlier delivery that the batch omits.
        waiting_changes: Number of known pictures whose label or domain an earlier batch changes,
            which waits for a training.
    """

    domains: dict[str, DomainAssessment]
    omitted: int = 0
    waiting_changes: int = 0

    @property
    def has_unlabelled(self) -> bool:
        """Whether any usable picture has no label."""
        return any(domain.unlabelled for domain in self.domains.values())

    def numbers(
        self, awaiting: Collection[str] = (), unverified: Collection[str] = ()
    ) -> dict[str, dict[str, Any]]:
        """Return the assessments by domain as JSON-ready values, as the ledger keeps them.

        Args:
            awaiting: Domains whose labels decide on the candidate, see `Batch.awaited_domains`.
            unverified: Domains that are, or were, trained on without any label, see
                `Batch.unverified_domains`.
        """
        return {
            name: domain.model_dump(by_alias=True)
            | ({"awaits_labels": True} if name in awaiting else {})
            | ({"unverified": True} if name in unverified else {})
            for name, domain in self.domains.items()
        }


@dataclass(frozen=True)
class AssessedRows:
    """What is assessed of a batch, and what is only counted.

    Attributes:
        rows: Rows of the batch without known pictures of which it says nothing new.
        root: Folder that their paths are relative to.
        known: Number of those known pictures by domain.
        changes: What the batch changes of known pictures, by path.
        omitted: Number of known pictures of its earlier delivery that the batch omits.
        waiting_changes: Number of known pictures that earlier batches change, which wait.
    """

    rows: list[BatchRow]
    root: Path
    known: Mapping[str, int] = field(default_factory=dict)
    changes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    omitted: int = 0
    waiting_changes: int = 0


def assess(batch: AssessedRows, model: Path, per_domain: int) -> BatchAssessment:
    """Classify a sample of every domain of a batch with the serving model.

    Args:
        batch: Rows of the batch.
        model: Folder of the serving version.
        per_domain: Largest number of pictures that are classified in each domain.

    Raises:
        UnavailableError: A file of the serving version is missing or damaged.
    """
    classifier = SavedModelClassifier(model)
    with reading(model / DESCRIPTION, "description of the model", RESTORE_VERSION):
        classes = set(classifier.labels)
    reference, known_confidences = read_reference(str(model)), KnownConfidences.read(model)
    by_domain: dict[str, list[BatchRow]] = defaultdict(list)
    for row in batch.rows:
        if row["domain"]:
            by_domain[row["domain"]].append(row)
    by_domain.update({domain: [] for domain in batch.known if domain not in by_domain})
    domains = {}
    for domain, domain_rows in sorted(by_domain.items()):
        predicted = predict_rows(classifier, _sample(domain_rows, per_domain), batch.root)
        assessed = _assess_domain(domain, domain_rows, predicted, classes, reference)
        unlabelled = predicted.unlabelled_confidences()
        note = known_confidences.estimate_note(domain, len(unlabelled)) if len(unlabelled) else ""
        domains[domain] = assessed.model_copy(
            update={
                "estimated_accuracy": known_confidences.estimate(domain, unlabelled),
                "estimate_note": note,
                **_count_known(batch, domain, domain_rows, predicted),
            }
        )
    return BatchAssessment(domains, batch.omitted, batch.waiting_changes)


def _sample(rows: list[BatchRow], count: int) -> list[BatchRow]:
    """Return at most `count` usable rows, chosen by the digests of their files.

    Labelled ones come first: a few labels among many pictures without one are all looked at.
    """
    usable = (row for row in rows if "reason" not in row)
    return sorted(usable, key=lambda row: (not row["label"], row["sha256"]))[:count]


def _count_known(
    batch: AssessedRows, domain: str, rows: list[BatchRow], predicted: BatchPredictions
) -> dict[str, Any]:
    """Return the fields of `DomainAssessment` that concern known pictures."""
    paths = {row["path"] for row in rows}
    changes = {path: change for path, change in batch.changes.items() if path in paths}
    corrected = {path for path, change in changes.items() if change & {"label", "domain"}}
    counts = Counter(change for one in changes.values() for change in one)
    classes = predicted.by_class(without=corrected)
    return {
        "known": batch.known.get(domain, 0),
        "changed": len(corrected),
        "changed_labels": counts["label"],
        "changed_domains": counts["domain"],
        "changed_groups": counts["group"],
        "changed_slices": counts["slices"],
        "uncorrected_accuracy": _accuracy(classes),
        "classes": classes,
    }


def _accuracy(classes: Mapping[str, ClassPredictions]) -> float | None:
    """Return the share of correct predictions; None without any picture."""
    pictures = sum(one.pictures for one in classes.values())
    wrong = sum(len(one.other) for one in classes.values())
    return (pictures - wrong) / pictures if pictures else None


def _assess_domain(
    domain: str,
    rows: list[BatchRow],
    predicted: BatchPredictions,
    classes: set[str],
    reference: Reference | None,
) -> DomainAssessment:
    usable = [row for row in rows if "reason" not in row]
    labels = [row["label"] for row in usable if row["label"]]
    known = set(reference.domains) if reference else set()
    same_domain = reference.of_domain(domain) if reference and domain in known else None
    compared = same_domain or reference
    embeddings = predicted.embeddings
    return DomainAssessment(
        labelled=len(labels),
        unlabelled=len(usable) - len(labels),
        unusable=len(rows) - len(usable),
        is_new=bool(reference) and same_domain is None,
        new_classes={
            label: labels.count(label) for label in sorted(set(labels)) if label not in classes
        },
        num_predicted=len(predicted.rows),
        accuracy=_accuracy(predicted.by_class()),
        confidence=float(predicted.confidences.mean()) if predicted.rows else None,
        known_confidence=float(compared.confidences.mean()) if compared else None,
        drift=permutation_p_value(embeddings, same_domain.embeddings)
        if same_domain and min(len(embeddings), len(same_domain.embeddings)) >= MIN_SAMPLE
        else None,
        distances=distances_to_domains(embeddings, reference) if reference else {},
    )
