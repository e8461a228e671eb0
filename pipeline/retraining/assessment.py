"""Assessment of a batch: how the serving model does on it, before anything is trained."""

from collections import Counter, defaultdict
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from pipeline.predicting.embedding_distance import (
    MIN_SAMPLE,
    distances_to_domains,
    permutation_p_value,
)
from pipeline.retraining.deliveries.batch_store import BatchRow
from trainer_module.contract.model_assets import DESCRIPTION
from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION, reading
from trainer_module.export.reference_embeddings import PER_DOMAIN, Reference, read_reference
from trainer_module.export.saved_model_classifier import BATCH_SIZE, SavedModelClassifier


@dataclass(frozen=True)
class ClassPredictions:
    """Predictions for the classified pictures of one class whose label is not a correction.

    Attributes:
        pictures: Number of pictures.
        other: Names, in the delivery, of those that are predicted as another class.
    """

    pictures: int
    other: tuple[str, ...]


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
    classes: dict[str, ClassPredictions] = Field(default={}, exclude=True)


@dataclass(frozen=True)
class BatchAssessment:
    """Assessment of a batch.

    Attributes:
        domains: Assessments by domain.
        unlabelled_predictions: Predicted class and confidence of unlabelled pictures, by path.
        omitted: Number of known pictures of its earlier delivery that the batch omits.
        waiting_changes: Number of known pictures whose label or domain an earlier batch changes,
            which waits for a training.
    """

    domains: dict[str, DomainAssessment]
    unlabelled_predictions: dict[str, tuple[str, float]]
    omitted: int = 0
    waiting_changes: int = 0

    def numbers(self) -> dict[str, dict[str, Any]]:
        """Return the assessments by domain as JSON-ready values, as the ledger keeps them."""
        return {name: domain.model_dump(by_alias=True) for name, domain in self.domains.items()}


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


def assess(
    batch: AssessedRows, model: Path, per_domain: int, all_unlabelled: bool
) -> BatchAssessment:
    """Classify a sample of every domain of a batch with the serving model.

    Args:
        batch: Rows of the batch.
        model: Folder of the serving version.
        per_domain: Largest number of pictures that are classified in each domain.
        all_unlabelled: Whether all unlabelled pictures are classified, besides `per_domain`
            labelled ones.

    Raises:
        UnavailableError: A file of the serving version is missing or damaged.
    """
    classifier = SavedModelClassifier(model)
    with reading(model / DESCRIPTION, "description of the model", RESTORE_VERSION):
        classes = set(classifier.labels)
    reference = read_reference(str(model))
    by_domain: dict[str, list[BatchRow]] = defaultdict(list)
    for row in batch.rows:
        if row["domain"]:
            by_domain[row["domain"]].append(row)
    by_domain.update({domain: [] for domain in batch.known if domain not in by_domain})
    domains, unlabelled_predictions = {}, {}
    for domain, domain_rows in sorted(by_domain.items()):
        sample = _sample(domain_rows, per_domain, all_unlabelled)
        predicted = _predict(classifier, sample, batch.root)
        assessed = _assess_domain(domain, domain_rows, predicted, classes, reference)
        domains[domain] = assessed.model_copy(
            update=_count_known(batch, domain, domain_rows, predicted)
        )
        unlabelled_predictions.update(predicted.of_unlabelled())
    return BatchAssessment(domains, unlabelled_predictions, batch.omitted, batch.waiting_changes)


@dataclass(frozen=True)
class _Predicted:
    """Predictions for the rows whose pictures can be read.

    Attributes:
        rows: Rows of the batch.
        labels: Predicted classes, one per row.
        confidences: Confidences, float32 [rows].
        embeddings: Embeddings of the first `PER_DOMAIN` rows, float32 [first rows, dim].
    """

    rows: list[BatchRow]
    labels: list[str]
    confidences: npt.NDArray[np.float32]
    embeddings: npt.NDArray[np.float32]

    def of_unlabelled(self) -> dict[str, tuple[str, float]]:
        """Return predicted class and confidence of the unlabelled pictures, by path."""
        predictions = zip(self.rows, self.labels, self.confidences, strict=True)
        return {
            row["path"]: (label, float(confidence))
            for row, label, confidence in predictions
            if not row["label"]
        }

    def by_class(self, without: Container[str] = ()) -> dict[str, ClassPredictions]:
        """Return the predictions for the labelled pictures, by class.

        Args:
            without: Paths of pictures that do not count.
        """
        pictures: Counter[str] = Counter()
        other: dict[str, list[str]] = defaultdict(list)
        for row, label in zip(self.rows, self.labels, strict=True):
            if row["label"] and row["path"] not in without:
                pictures[row["label"]] += 1
                if row["label"] != label:
                    other[row["label"]].append(row["name"])
        return {name: ClassPredictions(pictures[name], tuple(other[name])) for name in pictures}


def _predict(classifier: SavedModelClassifier, rows: list[BatchRow], root: Path) -> _Predicted:
    """Predict labels and embeddings; pictures that cannot be read are left out."""
    from components.image_example_gen.ingestion import read_file
    from components.image_example_gen.picture_reader import UnusablePictureError, read_picture

    readable, images = [], []
    for row in rows:
        try:
            content = read_file(str(root / row["path"])).content
            images.append(read_picture(content).encoded)
            readable.append(row)
        except UnusablePictureError:
            continue  # ingestion rejects it, with the reason
    predictions = classifier.predict(images)
    # Whole batches: the size of a batch can change the last digits of its rows.
    whole_batches = -(-PER_DOMAIN // BATCH_SIZE) * BATCH_SIZE
    embeddings = classifier.embed(images[:whole_batches])[:PER_DOMAIN]
    return _Predicted(readable, predictions.labels, predictions.confidences, embeddings)


def _sample(rows: list[BatchRow], count: int, all_unlabelled: bool) -> list[BatchRow]:
    """Return at most `count` usable rows, chosen by the digests of their files."""
    usable = sorted((row for row in rows if "reason" not in row), key=lambda row: row["sha256"])
    if not all_unlabelled:
        return usable[:count]
    return [row for row in usable if row["label"]][:count] + [
        row for row in usable if not row["label"]
    ]


def _count_known(
    batch: AssessedRows, domain: str, rows: list[BatchRow], predicted: _Predicted
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
    predicted: _Predicted,
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
