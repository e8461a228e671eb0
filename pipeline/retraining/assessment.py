"""How the model that serves does on a batch, before anything is trained."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from pipeline.predicting.embedding_distance import distance, p_value
from pipeline.retraining.batch_store import Row
from trainer_module.export.reference_embeddings import PER_DOMAIN, Reference, read_reference

#: Pictures sent through the model at once.
BATCH = 64

#: With fewer pictures, nothing is said of drift.
LEAST_SAMPLE = 10


class DomainAssessment(BaseModel):
    """What the model that serves makes of one domain of a batch.

    Attributes:
        labelled: usable pictures with a label, in the batch.
        unlabelled: usable pictures without.
        unusable: files that are no pictures.
        is_new: whether the model was not trained on this domain.
        new_classes: that the model does not know, with their labelled pictures.
        asked: pictures that the model was asked about.
        accuracy: on those with a label; None where there is none.
        confidence: mean probability of its answers.
        known_confidence: the same on the pictures that the model was chosen by, in this domain or,
            for a new one, in all.
        drift: how often chance alone would make a sample of this domain as different as the batch
            is; None for a new domain or too few pictures.
        distances: to the domains that the model knows, by name, see `two_sample.distance`.
    """

    labelled: int
    unlabelled: int
    unusable: int
    is_new: bool
    new_classes: dict[str, int]
    asked: int
    accuracy: float | None
    confidence: float | None
    known_confidence: float | None
    drift: float | None
    distances: dict[str, float]


@dataclass(frozen=True)
class Assessed:
    """An assessment, and what the model said of unlabelled pictures.

    Attributes:
        domains: by name.
        answers: path of an unlabelled picture -> class and confidence.
    """

    domains: dict[str, DomainAssessment]
    answers: dict[str, tuple[str, float]]


def assess(
    rows: list[Row], root: Path, model: Path, per_domain: int, all_unlabelled: bool
) -> Assessed:
    """Ask the model that serves about a sample of every domain of a batch.

    Args:
        rows: of the batch.
        root: of the workspace, which their paths are relative to.
        model: folder of the version that serves.
        per_domain: pictures of each domain that are asked about, at most.
        all_unlabelled: ask about every unlabelled picture, whatever their number.
    """
    from trainer_module.export.saved_model import read_description  # it imports TensorFlow

    classes = set(read_description(str(model))["labels"])
    reference = read_reference(str(model))
    ask = _Model(model)
    by_domain: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["domain"]:
            by_domain[row["domain"]].append(row)
    domains, answers = {}, {}
    for domain, own in sorted(by_domain.items()):
        sample = _sample(own, per_domain, all_unlabelled)
        found = ask(sample, root)
        domains[domain] = _assess_domain(domain, own, found, classes, reference)
        answers.update(
            {
                row["path"]: (label, float(confidence))
                for row, label, confidence in zip(
                    found.rows, found.labels, found.confidences, strict=True
                )
                if not row["label"]
            }
        )
    return Assessed(domains, answers)


@dataclass(frozen=True)
class _Answers:
    """What the model says of the pictures that could be read."""

    rows: list[Row]
    labels: list[str]
    confidences: np.ndarray
    embeddings: np.ndarray  # of the first `PER_DOMAIN` pictures


class _Model:
    """The signatures of a serving version."""

    def __init__(self, folder: Path) -> None:
        import tensorflow as tf

        self._tf = tf
        self._loaded = tf.saved_model.load(str(folder))  # keeps the signatures alive
        self._signatures = self._loaded.signatures

    def __call__(self, rows: list[Row], root: Path) -> _Answers:
        """Answers and embeddings; pictures that cannot be read are left out."""
        from components.image_example_gen.ingestion import read_bytes
        from components.image_example_gen.pictures import UnusablePictureError, read_picture

        readable, contents = [], []
        for row in rows:
            try:
                content = read_bytes(str(root / row["path"]))
                contents.append(read_picture(content).encoded)
                readable.append(row)
            except UnusablePictureError:
                continue  # ingestion rejects it, with the reason
        labels: list[str] = []
        sure, embeddings = [np.empty(0, np.float32)], []
        for start in range(0, len(contents), BATCH):
            image = self._tf.constant(contents[start : start + BATCH])
            answer = self._signatures["serving_default"](image=image)
            labels += [
                label.decode("utf-8", "surrogateescape") for label in answer["label"].numpy()
            ]
            sure.append(answer["confidence"].numpy())
            if start < PER_DOMAIN:
                embeddings.append(self._signatures["embed"](image=image)["embedding"].numpy())
        stacked = np.concatenate(embeddings) if embeddings else np.empty((0, 0), np.float32)
        return _Answers(readable, labels, np.concatenate(sure), stacked[:PER_DOMAIN])


def _sample(rows: list[Row], count: int, all_unlabelled: bool) -> list[Row]:
    """At most so many usable rows; a hash of their content decides which."""
    usable = sorted((row for row in rows if "reason" not in row), key=lambda row: row["sha256"])
    if not all_unlabelled:
        return usable[:count]
    return [row for row in usable if row["label"]][:count] + [
        row for row in usable if not row["label"]
    ]


def _assess_domain(
    domain: str, rows: list[Row], found: _Answers, classes: set[str], reference: Reference | None
) -> DomainAssessment:
    usable = [row for row in rows if "reason" not in row]
    labelled = [row["label"] for row in usable if row["label"]]
    right = [
        row["label"] == label
        for row, label in zip(found.rows, found.labels, strict=True)
        if row["label"]
    ]
    known = set(reference.domains) if reference else set()
    same = reference.of(domain) if reference and domain in known else None
    compared = same or reference
    embeddings = found.embeddings
    enough = len(embeddings) >= LEAST_SAMPLE
    return DomainAssessment(
        labelled=len(labelled),
        unlabelled=len(usable) - len(labelled),
        unusable=len(rows) - len(usable),
        is_new=bool(reference) and same is None,
        new_classes={
            label: labelled.count(label) for label in sorted(set(labelled)) if label not in classes
        },
        asked=len(found.rows),
        accuracy=float(np.mean(right)) if right else None,
        confidence=float(found.confidences.mean()) if found.rows else None,
        known_confidence=float(compared.confidences.mean()) if compared else None,
        drift=p_value(embeddings, same.embeddings) if enough and same is not None else None,
        distances={
            str(name): distance(embeddings, reference.of(name).embeddings) for name in sorted(known)
        }
        if reference and enough
        else {},
    )
