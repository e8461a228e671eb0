"""What the exported model says of every test picture, or of a sample of them."""

import heapq
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.report.sampling import sample_test_pictures
from trainer_module.contract import example_features

#: Mistakes of a domain whose pictures are kept.
MOST_MISTAKES = 24

#: Pictures sent through the model at once.
BATCH = 64


@dataclass(frozen=True)
class Mistake:
    """A test picture with a wrong answer.

    Attributes:
        image_id: path relative to the data folder.
        domain: where it comes from.
        label: the true one.
        answer: what the model says.
        confidence: probability of the answer.
        content: encoded, of the example.
    """

    image_id: str
    domain: str
    label: str
    answer: str
    confidence: float
    content: bytes


@dataclass(frozen=True)
class Answers:
    """Answers to test pictures, each array [pictures].

    Attributes:
        domains: str.
        labels: the true ones, str.
        answers: the classes that the model says, str.
        confidences: probability of the answers, float32.
        mistakes: the most confident ones of every domain first, at most `MOST_MISTAKES` each.
        test_pictures: domain -> its test pictures, asked about or not.
    """

    domains: np.ndarray
    labels: np.ndarray
    answers: np.ndarray
    confidences: np.ndarray
    mistakes: dict[str, list[Mistake]]
    test_pictures: dict[str, int]

    @property
    def is_sample(self) -> bool:
        """Whether there are test pictures that the model was not asked about."""
        return len(self.domains) < sum(self.test_pictures.values())


def ask_model(model: str, examples: str, catalog: str) -> Answers:
    """Run a SavedModel's `serving_examples` over the test split, or over a sample of it.

    Args:
        model: folder of the SavedModel.
        examples: URI of ingestion's examples.
        catalog: URI of ingestion's catalog.
    """
    import tensorflow as tf

    chosen, counts = sample_test_pictures(catalog)
    loaded = tf.saved_model.load(model)  # keeps the signature alive
    signature = loaded.signatures["serving_examples"]
    columns: list[tuple[str, str, str, float]] = []
    heaps: dict[str, list[tuple[float, int, Mistake]]] = {}
    for batch in _batches(examples, catalog, chosen):
        answer = signature(examples=tf.constant(batch))
        said = [_text(label) for label in answer[example_features.LABEL].numpy()]
        for record, label, sure in zip(batch, said, answer["confidence"].numpy(), strict=True):
            found = _mistake(record, label, float(sure))
            columns.append((found.domain, found.label, found.answer, found.confidence))
            if found.answer != found.label:
                heap = heaps.setdefault(found.domain, [])
                heapq.heappush(heap, (found.confidence, len(columns), found))
                if len(heap) > MOST_MISTAKES:
                    heapq.heappop(heap)
    return _answers(columns, heaps, counts)


def _answers(
    columns: list[tuple[str, str, str, float]],
    heaps: dict[str, list[tuple[float, int, Mistake]]],
    counts: dict[str, int],
) -> Answers:
    domains, labels, answers, confidences = zip(*columns, strict=True) if columns else ([],) * 4
    return Answers(
        domains=np.array(domains, object),
        labels=np.array(labels, object),
        answers=np.array(answers, object),
        confidences=np.array(confidences, np.float32),
        mistakes={
            domain: [mistake for _, _, mistake in sorted(heap, reverse=True)]
            for domain, heap in sorted(heaps.items())
        },
        test_pictures=counts,
    )


def _batches(examples: str, catalog: str, chosen: set[bytes]) -> Iterator[list[bytes]]:
    """Serialized examples of the chosen pictures."""
    from components.image_example_gen.catalog import catalog_suffixes
    from components.image_example_gen.shards import read_shard

    batch: list[bytes] = []
    for suffix in catalog_suffixes(catalog):
        for record in read_shard(examples, "test", suffix):
            if _values(record)[example_features.IMAGE_ID] in chosen:
                batch.append(record)
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _values(record: bytes) -> dict[str, bytes]:
    import tensorflow as tf

    found = tf.train.Example.FromString(record).features.feature
    names = (example_features.IMAGE, *example_features.DESCRIPTORS)
    return {name: found[name].bytes_list.value[0] for name in names}


def _mistake(record: bytes, answer: str, confidence: float) -> Mistake:
    values = _values(record)
    return Mistake(
        image_id=os.fsdecode(values[example_features.IMAGE_ID]),
        domain=_text(values[example_features.DOMAIN]),
        label=_text(values[example_features.LABEL]),
        answer=answer,
        confidence=confidence,
        content=values[example_features.IMAGE],
    )


def _text(name: Any) -> str:
    return bytes(name).decode("utf-8", "surrogateescape")
