"""What the two stages of training share, and the choice between them."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer_module.activations.activation_cache import FeatureCache, identity
from trainer_module.activations.activation_store import FeatureStore, fill
from trainer_module.backbones import split_at
from trainer_module.classifier import Classifier
from trainer_module.contract.errors import InputError
from trainer_module.data.augmentation import RandomView
from trainer_module.data.input_data import Pictures, ordered_batches, picture_batches
from trainer_module.data.weighting import NOTHING_FRESH, Fresh, training_weights
from trainer_module.hardware import Hardware
from trainer_module.stages.model_selection import pick_best
from trainer_module.stages.scoring import Score, class_ids
from trainer_module.training_options import TrainingOptions

logger = logging.getLogger("carryover.training")

#: Pictures per batch of a forward pass: large enough for a GPU, small enough for any memory.
FORWARD_BATCH = 128

#: Views of a picture that is drawn more often than others, at most.
MOST_VIEWS = 8

#: Rows of kept features per batch of a prediction.
PREDICT_BATCH = 256


@dataclass(frozen=True)
class Task:
    """What both stages are told.

    Attributes:
        options: of the trainer.
        hardware: see `hardware.set_up_hardware`.
        run_dir: for TensorBoard logs.
        store: for features.
        cache: folder for features that outlive the training; None keeps none.
        fresh: pictures that the model to start from has not seen.
    """

    options: TrainingOptions
    hardware: Hardware
    run_dir: str
    store: FeatureStore
    cache: str | None = None
    fresh: Fresh = NOTHING_FRESH

    def log(self, stage: str) -> Callable[[int, dict[str, float]], None]:
        """A function that notes the figures of an epoch for TensorBoard."""
        writer = tf.summary.create_file_writer(str(Path(self.run_dir, "tensorboard", stage)))

        def note(epoch: int, values: dict[str, float]) -> None:
            with writer.as_default(step=epoch):
                for name, value in values.items():
                    tf.summary.scalar(name, value)

        return note


def create_task(
    options: TrainingOptions,
    hardware: Hardware,
    folder: str,
    cache: str | None = None,
    fresh: Fresh = NOTHING_FRESH,
) -> Task:
    """A task whose features and logs are in one folder, see `Task`."""
    budget = None if options.cache_memory is None else options.cache_memory * 2**20
    return Task(options, hardware, folder, FeatureStore(folder, budget), cache, fresh)


@dataclass(frozen=True)
class Features:
    """What the backbone makes of the pictures of a split, or of some of them.

    Attributes:
        labels: str [rows].
        domains: str [rows].
        rows: of the arrays, int64 [rows].
        fresh: bool [rows], see `weighting.Fresh`.
        pooled: output of the whole frozen backbone, float16 [all rows, features].
        views: output of its lower part for the picture itself and for random views of it, float16
            [all rows, ...] each; empty where nothing is fine-tuned.
        counts: views of each picture, int64 [all rows]; None where all have all of them. A view
            that some have not is an array of those that have it alone, in their order.
    """

    labels: np.ndarray
    domains: np.ndarray
    rows: np.ndarray
    fresh: np.ndarray
    pooled: np.ndarray
    views: list[np.ndarray] = field(default_factory=list)
    counts: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, wanted: np.ndarray) -> "Features":
        """Those rows for which `wanted`, bool [rows], is true; the arrays are shared."""
        own = {name: getattr(self, name)[wanted] for name in ("labels", "domains", "rows", "fresh")}
        return replace(self, **own)

    def rows_per_epoch(self) -> int:
        """All rows; where a part is fresh, those of the larger part: the other one repeats."""
        fresh = int(self.fresh.sum())
        return max(fresh, len(self) - fresh)

    def weights(self, task: Task) -> np.ndarray:
        """How much every row counts in training, float32 [rows]."""
        return training_weights(
            self.labels, self.domains, task.options, self.fresh, task.fresh.share
        )


@dataclass(frozen=True)
class StageResult:
    """A trained classifier's weights, and how good they are on the eval split.

    Attributes:
        name: `frozen` or `fine_tuned`.
        weights: of the whole classifier.
        logits: of the eval split, float32 [rows, classes].
        score: on the eval split.
        seconds: the stage took, feature passes included.
        epochs: that were trained.
        details: what else is worth reporting, JSON-ready.
    """

    name: str
    weights: list[np.ndarray]
    logits: np.ndarray
    score: Score
    seconds: float
    epochs: int
    details: dict[str, Any] = field(default_factory=dict)


def extract_features(
    pictures: Pictures, classifier: Classifier, boundary: str | None, task: Task
) -> Features:
    """Stage 1's one pass of the frozen backbone.

    Args:
        pictures: of a split.
        classifier: whose backbone sees every picture once.
        boundary: block at which the first view is kept as well; None keeps pooled features alone.
        task: see `Task`.
    """
    if task.cache and boundary is not None:
        return _remembered_features(pictures, classifier, boundary, task)
    backbone = classifier.backbone.model
    outputs = [backbone.output]
    if boundary is not None:
        with task.hardware.strategy.scope():
            outputs.append(split_at(backbone, boundary)[0].output)
    model = keras.Model(backbone.input, outputs)
    arrays = [task.store.reserve(len(pictures), output.shape[1:]) for output in outputs]
    batches = picture_batches(pictures, FORWARD_BATCH)

    def forward(_: tf.Tensor, pixels: tf.Tensor) -> list[tf.Tensor]:
        # Keras gives a bare tensor for a list of one output.
        return tf.nest.flatten(model(tf.cast(pixels, tf.float32), training=False))

    fill(arrays, batches, forward, task.hardware.strategy)
    return _features(pictures, task, arrays[0], arrays[1:])


def _features(
    pictures: Pictures, task: Task, pooled: np.ndarray, views: list[np.ndarray]
) -> Features:
    """All of a split."""
    rows, fresh = np.arange(len(pictures)), task.fresh.among(pictures.image_ids)
    return Features(pictures.labels, pictures.domains, rows, fresh, pooled, views)


def _remembered_features(
    pictures: Pictures, classifier: Classifier, boundary: str, task: Task
) -> Features:
    """The same with a cache: its rows are those at the boundary, and the rest follows from them."""
    with task.hardware.strategy.scope():
        lower, _ = split_at(classifier.backbone.model, boundary)
    view = task.store.reserve(len(pictures), lower.output.shape[1:])

    def forward(_: tf.Tensor, pixels: tf.Tensor) -> list[tf.Tensor]:
        return [lower(tf.cast(pixels, tf.float32), training=False)]

    _fill_view(view, 0, pictures, lower, forward, task)
    found = _features(pictures, task, np.empty((0, 0), np.float16), [view])
    pooled = embed(classifier, found, boundary, task).astype(np.float16)
    return replace(found, pooled=pooled)


def _fill_view(
    array: np.ndarray,
    number: int,
    pictures: Pictures,
    lower: keras.Model,
    forward: Callable[[tf.Tensor, tf.Tensor], list[tf.Tensor]],
    task: Task,
    rows: np.ndarray | None = None,
) -> None:
    """Run the lower part of the backbone over a view of pictures that are not in the cache.

    Args:
        array: for the features.
        number: of the view; 0 is the picture itself.
        pictures: of a split.
        lower: part of the backbone.
        forward: draws and pixels -> its outputs.
        task: see `Task`.
        rows: that the array is for, int64; None for all.
    """
    options, cache = task.options, None
    wanted = np.arange(len(pictures)) if rows is None else rows
    digests = [pictures.digests[row] for row in wanted]
    missing: np.ndarray = np.ones(len(wanted), bool)
    if task.cache:
        network = identity(
            lower.get_weights(),
            *(lower.name, options.image_size, options.fine_tuning.augmentation),
            *(options.seed, task.hardware.precision),
        )
        cache = FeatureCache(task.cache, network, array.shape[1:])
        missing = ~cache.find(digests, number, array)
        if not missing.any():
            return
    places = np.full(len(pictures), -1)
    places[wanted[missing]] = np.flatnonzero(missing)
    batches = picture_batches(pictures, FORWARD_BATCH, number, options.seed, places)
    fill([array], batches, forward, task.hardware.strategy)
    if cache:
        added = np.flatnonzero(missing)
        cache.add([digests[place] for place in added], number, array[added])
        logger.info("features of %s pictures were there", f"{len(missing) - len(added):,}")


def add_views(
    found: Features, pictures: Pictures, classifier: Classifier, boundary: str, task: Task
) -> Features:
    """Run the part of the backbone that stays frozen in stage 2 over random views, once each.

    A picture that is drawn more often than others has more views, so that it is seldom seen the
    same twice.
    """
    options = task.options.fine_tuning
    counts = _view_counts(found.weights(task), options.views)
    with task.hardware.strategy.scope():
        lower, _ = split_at(classifier.backbone.model, boundary)
        augmentation = RandomView(options.augmentation, dtype="float32")

    def forward(draws: tf.Tensor, pixels: tf.Tensor) -> list[tf.Tensor]:
        view = augmentation(tf.cast(pixels, tf.float32), draws, training=True)
        return [lower(view, training=False)]

    views = list(found.views)
    for number in range(1, counts.max()):
        rows = np.flatnonzero(counts > number)
        array = task.store.reserve(len(rows), lower.output.shape[1:])
        _fill_view(array, number, pictures, lower, forward, task, rows)
        views.append(array)
        logger.info("fine_tuned: view %s of %s", number + 1, counts.max())
    return replace(found, views=views, counts=counts)


def _view_counts(weights: np.ndarray, views: int) -> np.ndarray:
    """Views of every picture, int64: those that all have, and more where weights are above 1."""
    if views == 1:  # pictures as they are, and nothing else
        return np.ones(len(weights), np.int64)
    most = max(views, MOST_VIEWS)
    return np.clip(np.floor(views * weights), views, most).astype(np.int64)


def predict(
    model: Callable[[tf.Tensor], tf.Tensor],
    view: np.ndarray,
    rows: np.ndarray,
    columns: int,
    task: Task,
) -> np.ndarray:
    """What a model makes of kept features: logits or others, float32 [rows, columns]."""
    batches = ordered_batches(view, rows, PREDICT_BATCH)
    outputs: np.ndarray = np.empty((len(rows), columns), np.float32)
    fill([outputs], batches, lambda features: [model(features)], task.hardware.strategy)
    return outputs


def embed(classifier: Classifier, found: Features, boundary: str | None, task: Task) -> np.ndarray:
    """Pooled features as the backbone makes them now, float32 [rows, dim].

    Args:
        classifier: whose backbone it is.
        found: kept features, of which the first view or, without a boundary, the pooled are used.
        boundary: block below which nothing has changed; None where nothing has at all.
        task: see `Task`.
    """
    if boundary is None:
        return found.pooled[found.rows].astype(np.float32)
    with task.hardware.strategy.scope():
        _, upper = split_at(classifier.backbone.model, boundary)
    return predict(
        lambda maps: upper(tf.cast(maps, tf.float32), training=False),
        *(found.views[0], found.rows, upper.output.shape[-1], task),
    )


def choose(
    stages: list[StageResult], classifier: Classifier, evaluation: Features, task: Task
) -> StageResult:
    """The best stage on the eval split, see `choosing.pick_best`; the earlier one on a tie."""
    targets = class_ids(evaluation.labels, classifier.labels)
    logits = [stage.logits for stage in stages]
    return stages[pick_best(logits, targets, evaluation.domains, task.options.criterion)]


def freeze_boundary(classifier: Classifier, wanted: float | str) -> str:
    """The last block that stays frozen.

    Args:
        classifier: whose block it is.
        wanted: its name, or the share of the blocks that come before it; the lowest block always
            stays frozen.

    Raises:
        InputError: the backbone has no such block.
    """
    blocks = classifier.backbone.blocks
    if not isinstance(wanted, str):
        return blocks[min(int(len(blocks) * wanted), len(blocks) - 1)]
    if wanted not in blocks:
        raise InputError(
            f"fine_tuning.trainable_from must be a share or a block of {classifier.backbone.name}: "
            f"{', '.join(blocks)}. Received: {wanted}"
        )
    return wanted
