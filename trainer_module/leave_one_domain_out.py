"""Leave one domain out in turn: how good is a model in a domain that it has never seen?

The protocol of "In search of lost domain generalization" (Gulrajani and Lopez-Paz, 2021, arXiv
2007.01434) with its training-domain validation: every choice is made on the eval split of the
domains that are trained on, never on the one left out.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np

from trainer_module.classifier import Classifier, build_classifier, extend_labels
from trainer_module.contract.errors import InputError
from trainer_module.data.input_data import Pictures, read_pictures
from trainer_module.hardware import set_up_hardware
from trainer_module.stages.fine_tuning_stage import fine_tune
from trainer_module.stages.frozen_stage import train_frozen
from trainer_module.stages.scoring import class_ids
from trainer_module.stages.stages import (
    Features,
    Task,
    add_views,
    choose,
    create_task,
    embed,
    extract_features,
    freeze_boundary,
)
from trainer_module.training_options import TrainingOptions

logger = logging.getLogger("carryover.training")


@dataclass(frozen=True)
class Fold:
    """A model that was trained without one domain, on all pictures of that domain.

    Attributes:
        domain: that was left out.
        seed: of the training.
        images: pictures of the domain.
        frozen_accuracy: of stage 1.
        accuracy: of the model that a run would have exported.
        chosen: stage that it came from, `frozen` or `fine_tuned`.
        seconds: the fold took; features of the backbone are there before.
    """

    domain: str
    seed: int
    images: int
    frozen_accuracy: float
    accuracy: float
    chosen: str
    seconds: float


@dataclass(frozen=True)
class _Splits:
    """What all folds share: features of both splits, and where stage 2 begins (None: nowhere)."""

    train: Features
    evaluation: Features
    boundary: str | None

    def without(self, domain: str) -> tuple[Features, Features]:
        """Both splits of the other domains."""
        return (
            self.train.select(self.train.domains != domain),
            self.evaluation.select(self.evaluation.domains != domain),
        )

    def of(self, domain: str) -> list[Features]:
        """Both splits of one domain; empty ones are left out."""
        parts = (part.select(part.domains == domain) for part in (self.train, self.evaluation))
        return [part for part in parts if len(part)]


def cross_validate(
    train_files: list[str],
    eval_files: list[str],
    options: TrainingOptions,
    seeds: Sequence[int],
    folder: str,
) -> Iterator[Fold]:
    """Train without each domain in turn, with every seed.

    The backbone sees each picture, and each random view of it, once for all folds and seeds. Every
    fold starts from the pretrained weights. A class that no other domain has cannot be recognised
    and counts as wrong.

    Args:
        train_files: patterns of transformed examples to learn from.
        eval_files: patterns of transformed examples to choose by.
        options: of the training; its seed draws the views.
        seeds: of the order of pictures, one training each.
        folder: for features that do not fit into memory, and for TensorBoard logs.

    Raises:
        InputError: there is but one domain, or a fold without pictures to choose by.
    """
    hardware = set_up_hardware(options.precision)
    keras.utils.set_random_seed(options.seed)
    train = read_pictures(train_files, options.image_size)
    evaluation = read_pictures(eval_files, options.image_size)
    domains = sorted({*train.domains, *evaluation.domains})
    _check(domains, train, evaluation)
    task = create_task(options, hardware, folder)
    with hardware.strategy.scope():
        labels = extend_labels((), {*train.labels, *evaluation.labels})
        classifier = build_classifier(options.backbone, options.image_size, labels)
    splits = _extract(classifier, train, evaluation, task)
    start = classifier.get_weights()
    for seed in seeds:
        for domain in domains:
            logger.info("without %s, seed %s", domain, seed)
            keras.utils.set_random_seed(seed)
            classifier.set_weights(start)
            seeded = replace(task, options=options.model_copy(update={"seed": seed}))
            fold = _train_fold(classifier, splits, domain, seeded)
            logger.info("%s, never seen: %.3f", domain, fold.accuracy)
            yield fold


def _check(domains: list[str], train: Pictures, evaluation: Pictures) -> None:
    if len(domains) < 2:
        raise InputError(
            f"the only domain is {domains[0]}, and one must be left out. Add pictures of another."
        )
    for domain in domains:
        for name, split in (("train", train), ("eval", evaluation)):
            if not (split.domains != domain).any():
                raise InputError(
                    f"without domain {domain} the {name} split is empty. Add pictures of others."
                )


def _extract(classifier: Classifier, train: Pictures, evaluation: Pictures, task: Task) -> _Splits:
    tuning = task.options.fine_tuning
    boundary = freeze_boundary(classifier, tuning.trainable_from) if tuning.epochs else None
    logger.info("features of %s pictures", f"{len(train) + len(evaluation):,}")
    learning = extract_features(train, classifier, boundary, task)
    judging = extract_features(evaluation, classifier, boundary, task)
    if boundary is not None:
        learning = add_views(learning, train, classifier, boundary, task)
    return _Splits(learning, judging, boundary)


def _train_fold(classifier: Classifier, splits: _Splits, domain: str, task: Task) -> Fold:
    began = time.perf_counter()
    learning, judging = splits.without(domain)
    chosen = train_frozen(classifier, learning, judging, task, began)
    stages = [chosen]
    frozen = accuracy = _accuracy(classifier, None, splits.of(domain), task)
    if splits.boundary is not None:
        second = time.perf_counter()
        stages.append(fine_tune(classifier, splits.boundary, learning, judging, task, second))
        tuned = _accuracy(classifier, splits.boundary, splits.of(domain), task)
        chosen = choose(stages, classifier, judging, task)
        accuracy = frozen if chosen is stages[0] else tuned
    return Fold(
        domain=domain,
        seed=task.options.seed,
        images=sum(map(len, splits.of(domain))),
        frozen_accuracy=frozen,
        accuracy=accuracy,
        chosen=chosen.name,
        seconds=time.perf_counter() - began,
    )


def _accuracy(
    classifier: Classifier, boundary: str | None, parts: list[Features], task: Task
) -> float:
    """Share of right answers; a boundary says that what is above it was fine-tuned."""
    kernel, bias = classifier.head.get_weights()
    right = []
    for part in parts:
        logits = embed(classifier, part, boundary, task) @ kernel + bias
        right.append(logits.argmax(axis=-1) == class_ids(part.labels, classifier.labels))
    return float(np.mean(np.concatenate(right)))
