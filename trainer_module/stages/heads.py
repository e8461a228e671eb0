"""Stage 1's search: linear heads with different recipes, trained side by side on features."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import keras
import numpy as np
import tensorflow as tf

logger = logging.getLogger("carryover.training")

#: Losses [batch, heads], weights [batch], features [batch, dim], domains int32 [batch] -> scalar
#: to minimise. Heads must not share anything but the sum.
Objective = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]

#: Heads times classes, at most. It bounds both the memory (kernel, gradient and two moments of
#: Adam: 42 MB for 1,280 features) and the time of a step: 1,000 classes leave room for two heads.
MAX_COLUMNS = 2048

#: Features are read from their array in pieces of about this size, which may be all of them.
PIECE_BYTES = 256 * 2**20

#: Rows per matrix multiplication of an evaluation.
EVALUATION_ROWS = 2048

#: Rows from which the scale of the features is estimated.
SAMPLE_ROWS = 1024


@dataclass(frozen=True)
class Recipe:
    """How one head is regularised.

    Attributes:
        weight_decay: strength of the L2 penalty (half of it times the squared kernel is added to
            the loss), for features scaled to a standard deviation of one. It is part of the loss,
            so the best kernel does not depend on the learning rate.
        label_smoothing: part of the target that is spread over all classes ("Rethinking the
            Inception Architecture", Szegedy et al., 2016, section 7).
    """

    weight_decay: float
    label_smoothing: float


def recipe_grid(
    weight_decays: Sequence[float], label_smoothings: Sequence[float]
) -> tuple[Recipe, ...]:
    """Every strength with every smoothing; the first strength with all of them comes first."""
    return tuple(Recipe(*values) for values in product(weight_decays, label_smoothings))


#: Smoothing helps where pictures are few; more strengths only fit the evaluation rows better.
RECIPES = recipe_grid((0.0, 1e-2), (0.0, 0.1))


@dataclass(frozen=True)
class FeatureRows:
    """The features of one split, and what is known about its rows.

    Attributes:
        features: floats [rows, dim], in memory or memory-mapped.
        targets: class ids, int32 [rows]; -1 is unknown and does not count.
        weights: how much each row counts, float32 [rows].
        domains: domain ids, int32 [rows].
    """

    features: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    domains: np.ndarray

    def take(self, rows: np.ndarray | slice) -> tuple[tf.Tensor, ...]:
        """Features, targets, weights (0 where the target is unknown) and domains of some rows."""
        targets = self.targets[rows]
        weights = np.where(targets < 0, 0, self.weights[rows]).astype(np.float32)
        arrays = (self.features[rows], targets, weights, self.domains[rows])
        return tuple(tf.convert_to_tensor(array) for array in arrays)


@dataclass(frozen=True)
class HeadEpoch:
    """One epoch of all heads.

    Attributes:
        number: of the epoch; the first is 1.
        loss: of the training batches, mean over heads, penalty not included.
        evaluation_loss: cross entropy without smoothing, mean over heads.
        best_score: of the best head in this epoch.
        mean_score: over heads.
    """

    number: int
    loss: float
    evaluation_loss: float
    best_score: float
    mean_score: float


@dataclass(frozen=True)
class FrozenHead:
    """The best head at its best epoch, for features as they came (not scaled).

    Attributes:
        kernel: float32 [dim, classes].
        bias: float32 [classes].
        recipe: that won.
        score: on the evaluation rows.
        evaluation_loss: cross entropy on the evaluation rows.
        epoch: after which the head was taken; the first is 1.
        curve: one entry per epoch that was trained.
    """

    kernel: np.ndarray
    bias: np.ndarray
    recipe: Recipe
    score: float
    evaluation_loss: float
    epoch: int
    curve: list[HeadEpoch]

    @property
    def epochs(self) -> int:
        """How many were trained."""
        return len(self.curve)


def weighted_mean(
    losses: tf.Tensor, weights: tf.Tensor, features: tf.Tensor, domains: tf.Tensor
) -> tf.Tensor:
    """The usual objective: weighted mean over rows, summed over heads.

    Args:
        losses: float32 [batch, heads].
        weights: float32 [batch]; if all are 0, so is the result.
        features: not used.
        domains: not used.
    """
    means = tf.math.divide_no_nan(
        tf.linalg.matvec(losses, weights, transpose_a=True), tf.reduce_sum(weights)
    )
    return tf.reduce_sum(means)


def train_heads(
    train: FeatureRows,
    evaluation: FeatureRows,
    score: Callable[[np.ndarray], float],
    start: tuple[np.ndarray, np.ndarray],
    *,
    recipes: Sequence[Recipe] = RECIPES,
    objective: Objective = weighted_mean,
    epochs: int = 60,
    batch_size: int = 256,
    learning_rate: float = 2e-3,
    patience: int = 6,
    seed: int = 17,
    log: Callable[[HeadEpoch], None] | None = None,
) -> FrozenHead:
    """Train one linear head per recipe, all at once, and keep the best one.

    All heads see the same batches in the same order; one matrix multiplication serves them all.
    The features are divided by their standard deviation, so one learning rate fits every
    backbone; the result has the scale folded in. The same seed gives the same bits. One device
    does it all: the work is too small to be shared.

    Args:
        train: rows to learn from.
        evaluation: rows to choose by: head, epoch, and when to stop. Its weights shape the
            evaluation loss, which only breaks ties.
        score: predicted class ids of the evaluation rows, int64 [rows] -> larger is better.
        start: kernel [dim, classes] and bias [classes] of every head before training: zeros, or
            the head of an earlier model.
        recipes: in order of importance; those that exceed `MAX_COLUMNS` are left out.
        objective: what is minimised, see `Objective`; the L2 penalty is added to it.
        epochs: at most.
        batch_size: rows per step, at most; the batches of a piece are of equal size.
        learning_rate: of Adam.
        patience: epochs in which no head beats its own best score before training stops.
        seed: of the order of rows.
        log: called after every epoch.
    """
    recipes = _affordable(recipes, classes=len(start[1]))
    heads = _Heads(start, recipes, _scale(train.features), objective, learning_rate)
    random = np.random.default_rng(seed)
    curve: list[HeadEpoch] = []
    best = FrozenHead(*start, recipes[0], -np.inf, np.inf, 0, curve)  # any epoch is better
    records, improved = np.full(len(recipes), -np.inf), 0
    while len(curve) < min(epochs, improved + patience):
        loss = _train_epoch(heads, train, batch_size, random)
        predictions, losses = _evaluate(heads, evaluation)
        scores = np.array([score(answers) for answers in predictions])
        number = len(curve) + 1
        summary = float(losses.mean()), float(scores.max()), float(scores.mean())
        curve.append(HeadEpoch(number, loss, *summary))
        if (scores > records).any():
            records, improved = np.maximum(records, scores), number
        winner = int(np.lexsort((losses, -scores))[0])
        if (scores[winner], -losses[winner]) > (best.score, -best.evaluation_loss):
            figures = float(scores[winner]), float(losses[winner])
            best = FrozenHead(*heads.unscaled(winner), recipes[winner], *figures, number, curve)
        if log:
            log(curve[-1])
    return best


class _Heads:
    """Heads side by side: head h has columns h * classes to (h + 1) * classes of the kernel."""

    def __init__(
        self,
        start: tuple[np.ndarray, np.ndarray],
        recipes: Sequence[Recipe],
        scale: float,
        objective: Objective,
        learning_rate: float,
    ) -> None:
        """Give every head the same start, for features divided by `scale`."""
        kernel, bias = start
        self.count = len(recipes)
        self._classes = len(bias)
        self._scale = scale
        self._objective = objective
        self._kernel = keras.Variable(
            np.tile(kernel * scale, self.count), dtype="float32", name="kernel"
        )
        self._bias = keras.Variable(np.tile(bias, self.count), dtype="float32", name="bias")
        decays = np.array([recipe.weight_decay for recipe in recipes], np.float32)
        self._decays = tf.constant(np.repeat(decays, self._classes))
        self._smoothings = tf.constant([recipe.label_smoothing for recipe in recipes], tf.float32)
        self._optimizer = keras.optimizers.Adam(learning_rate)
        self._optimizer.build([self._kernel, self._bias])

    @tf.function(reduce_retracing=True)
    def train(self, steps: tf.Tensor, *rows: tf.Tensor) -> tf.Tensor:
        """Go through some rows (see `FeatureRows.take`) once; returns the sum of the losses."""
        count, total = tf.shape(rows[0], tf.int64)[0], tf.constant(0.0)
        for step in tf.range(steps):
            first, end = step * count // steps, (step + 1) * count // steps
            total += self._step(*(values[first:end] for values in rows))
        return total

    @tf.function(reduce_retracing=True)
    def evaluate(self, features: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Predictions (int64) and cross entropy of every row, both [rows, heads]."""
        logits = self._logits(self._scaled(features))
        return tf.argmax(logits, axis=-1), _cross_entropy(logits, targets, tf.constant(0.0))

    def unscaled(self, head: int) -> tuple[np.ndarray, np.ndarray]:
        """Kernel and bias of one head, for features as they came."""
        columns = slice(head * self._classes, (head + 1) * self._classes)
        kernel = tf.convert_to_tensor(self._kernel)[:, columns] / self._scale
        return kernel.numpy(), tf.convert_to_tensor(self._bias)[columns].numpy()

    def _step(
        self, features: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, domains: tf.Tensor
    ) -> tf.Tensor:
        features = self._scaled(features)
        variables = [self._kernel, self._bias]
        with tf.GradientTape() as tape:
            losses = _cross_entropy(self._logits(features), targets, self._smoothings)
            loss = self._objective(losses, weights, features, domains)
            penalty = tf.reduce_sum(self._decays * tf.square(self._kernel)) / 2
            total = loss + penalty
        gradients = tape.gradient(total, [variable.value for variable in variables])
        self._optimizer.apply(gradients, variables)
        return loss

    def _scaled(self, features: tf.Tensor) -> tf.Tensor:
        return tf.cast(features, tf.float32) / self._scale

    def _logits(self, features: tf.Tensor) -> tf.Tensor:
        columns = tf.matmul(features, self._kernel) + self._bias
        return tf.reshape(columns, (-1, self.count, self._classes))


def _cross_entropy(logits: tf.Tensor, targets: tf.Tensor, smoothings: tf.Tensor) -> tf.Tensor:
    """Of logits [rows, heads, classes] and int32 [rows], with a smoothing per head."""
    logs = tf.nn.log_softmax(logits)
    hard = tf.reduce_sum(logs * tf.one_hot(targets, logits.shape[-1])[:, None], axis=-1)
    return -(1 - smoothings) * hard - smoothings * tf.reduce_mean(logs, axis=-1)


def _train_epoch(
    heads: _Heads, rows: FeatureRows, batch_size: int, random: np.random.Generator
) -> float:
    """All rows once, in random order; returns the mean loss of a step and head."""
    order = random.permutation(len(rows.targets))
    pieces = -(-rows.features.nbytes // PIECE_BYTES)
    loss, steps = 0.0, 0
    for piece in np.array_split(order, pieces):
        batches = -(-len(piece) // batch_size)
        loss += float(heads.train(tf.constant(batches, tf.int64), *rows.take(piece)))
        steps += batches
    return loss / steps / heads.count


def _evaluate(heads: _Heads, rows: FeatureRows) -> tuple[np.ndarray, np.ndarray]:
    """Predictions [heads, rows] and weighted mean cross entropy [heads]."""
    predictions, losses, total = [], np.zeros(heads.count), 0.0
    for first in range(0, len(rows.targets), EVALUATION_ROWS):
        features, targets, weights, _ = rows.take(slice(first, first + EVALUATION_ROWS))
        answers, entropy = heads.evaluate(features, targets)
        predictions.append(answers.numpy())
        losses += weights.numpy() @ entropy.numpy()
        total += float(weights.numpy().sum())
    return np.concatenate(predictions).T, losses / (total or 1.0)


def _affordable(recipes: Sequence[Recipe], classes: int) -> Sequence[Recipe]:
    """The first recipes, as many as `MAX_COLUMNS` allows; one at least."""
    count = max(1, MAX_COLUMNS // classes)
    if count < len(recipes):
        logger.info("%s classes: %s of %s recipes are tried", classes, count, len(recipes))
    return recipes[:count]


def _scale(features: np.ndarray) -> float:
    """Standard deviation over some rows of the whole array."""
    sample = features[:: -(-len(features) // SAMPLE_ROWS)]
    return float(sample.std(dtype=np.float64)) or 1.0
