"""Leave-one-domain-out evaluation: the accuracy to expect in a domain without training pictures.

The protocol is that of "In search of lost domain generalization" (Gulrajani and Lopez-Paz, 2021,
arXiv 2007.01434) with training-domain validation: every choice is based on the eval split of the
other domains, never on the domain that is left out.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np

from trainer_module.activations.activations import Activations
from trainer_module.activations.extraction import add_views, extract_activations
from trainer_module.activations.inference import create_embedding
from trainer_module.classifier import Classifier, build_classifier, extend_labels
from trainer_module.contract.errors import InputError
from trainer_module.data.transformed_examples import Pictures, read_pictures
from trainer_module.hardware import set_up_hardware
from trainer_module.stages.fine_tuning_stage import fine_tune, freeze_boundary
from trainer_module.stages.frozen_stage import train_frozen
from trainer_module.stages.model_selection import select_stage
from trainer_module.stages.scoring import class_ids
from trainer_module.training_options import TrainingOptions
from trainer_module.training_task import TrainingTask, create_task

logger = logging.getLogger("carryover.training")


@dataclass(frozen=True)
class Fold:
    """Result of one training without one domain.

    Attributes:
        domain: Domain that was left out.
        seed: Seed of the training.
        images: Number of pictures of the domain, all of which are scored.
        frozen_accuracy: Accuracy after the frozen stage.
        accuracy: Accuracy of the classifier that a run would export.
        chosen: Stage of that classifier, `frozen` or `fine_tuned`.
        seconds: Duration in seconds, without the computation of activations.
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
    """Activations of both splits, which all folds share.

    Attributes:
        train: Activations of the train split, with views.
        evaluation: Activations of the eval split.
        boundary: Last block that stays frozen; None without fine-tuning.
    """

    train: Activations
    evaluation: Activations
    boundary: str | None

    def without(self, domain: str) -> tuple[Activations, Activations]:
        """Return both splits without one domain."""
        return (
            self.train.select(self.train.domains != domain),
            self.evaluation.select(self.evaluation.domains != domain),
        )

    def only(self, domain: str) -> list[Activations]:
        """Return both splits of one domain, without empty ones."""
        parts = (part.select(part.domains == domain) for part in (self.train, self.evaluation))
        return [part for part in parts if len(part)]


def cross_validate(
    train_files: list[str],
    eval_files: list[str],
    options: TrainingOptions,
    seeds: Sequence[int],
    folder: str,
) -> Iterator[Fold]:
    """Train without each domain in turn, with every seed, and yield the result of each fold.

    The frozen backbone sees each picture, and each random view of it, once for all folds and
    seeds. Every fold starts from the pretrained weights. A class that no other domain has is
    unknown to the classifier, and its pictures count as wrong.

    Args:
        train_files: Patterns of transformed examples to train on.
        eval_files: Patterns of transformed examples that every choice is based on.
        options: Options of the training; their seed is that of the random views.
        seeds: Seeds of the order of pictures, one training each.
        folder: Folder for activations that do not fit into memory, and for TensorBoard logs.

    Raises:
        InputError: There is only one domain, or a split of a fold has no pictures.
    """
    hardware = set_up_hardware(options.precision)
    keras.utils.set_random_seed(options.seed)
    train = read_pictures(train_files, options.image_size)
    evaluation = read_pictures(eval_files, options.image_size)
    domains = sorted({*train.domains, *evaluation.domains})
    _check_domains(domains, train, evaluation)
    task = create_task(options, hardware, folder)
    with hardware.strategy.scope():
        labels = extend_labels((), {*train.labels, *evaluation.labels})
        classifier = build_classifier(options.backbone, options.image_size, labels)
    splits = _extract_splits(classifier, train, evaluation, task)
    start = classifier.get_weights()
    for seed in seeds:
        for domain in domains:
            logger.info("training without domain %s, seed %s", domain, seed)
            keras.utils.set_random_seed(seed)
            classifier.set_weights(start)
            seeded = replace(task, options=options.model_copy(update={"seed": seed}))
            fold = _train_fold(classifier, splits, domain, seeded)
            logger.info("accuracy in domain %s: %.3f", domain, fold.accuracy)
            yield fold


def _check_domains(domains: list[str], train: Pictures, evaluation: Pictures) -> None:
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


def _extract_splits(
    classifier: Classifier, train: Pictures, evaluation: Pictures, task: TrainingTask
) -> _Splits:
    tuning = task.options.fine_tuning
    boundary = freeze_boundary(classifier, tuning.trainable_from) if tuning.epochs else None
    logger.info("activations of %s pictures", f"{len(train) + len(evaluation):,}")
    train_activations, eval_activations = extract_activations(
        (train, evaluation), classifier, boundary, task
    )
    if boundary is not None:
        train_activations = add_views(train_activations, train, classifier, boundary, task)
    return _Splits(train_activations, eval_activations, boundary)


def _train_fold(classifier: Classifier, splits: _Splits, domain: str, task: TrainingTask) -> Fold:
    start = time.perf_counter()
    train, evaluation = splits.without(domain)
    left_out = splits.only(domain)
    chosen = train_frozen(classifier, train, evaluation, task, start)
    frozen = accuracy = _accuracy(classifier, None, left_out, task)
    if splits.boundary is not None:
        tuning_start = time.perf_counter()
        stages = [
            chosen,
            fine_tune(classifier, splits.boundary, train, evaluation, task, tuning_start),
        ]
        tuned = _accuracy(classifier, splits.boundary, left_out, task)
        chosen = select_stage(
            stages,
            evaluation.labels,
            evaluation.domains,
            classifier.labels,
            task.options.criterion,
        )
        accuracy = frozen if chosen is stages[0] else tuned
    return Fold(
        domain=domain,
        seed=task.options.seed,
        images=sum(map(len, left_out)),
        frozen_accuracy=frozen,
        accuracy=accuracy,
        chosen=chosen.name,
        seconds=time.perf_counter() - start,
    )


def _accuracy(
    classifier: Classifier, boundary: str | None, parts: list[Activations], task: TrainingTask
) -> float:
    """Return the accuracy on activations.

    Args:
        classifier: Classifier to score.
        boundary: Last block that has not changed since the activations were computed; None if the
            whole backbone has not changed.
        parts: Activations of the pictures to score.
        task: Task of the training.
    """
    kernel, bias = classifier.head.get_weights()
    embed = create_embedding(classifier, boundary, task)
    correct = []
    for part in parts:
        logits = embed(part) @ kernel + bias
        correct.append(logits.argmax(axis=-1) == class_ids(part.labels, classifier.labels))
    return float(np.mean(np.concatenate(correct)))
