"""Linear heads with different regularisation that are trained side by side on embeddings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

#: Function of losses [batch, heads], weights [batch], embeddings [batch, dim] and domains int32
#: [batch] that returns a scalar to minimise: the sum of an objective per head.
ObjectiveFunction = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


@dataclass(frozen=True)
class Recipe:
    """Regularisation of one head.

    Attributes:
        weight_decay: Strength of the L2 penalty for embeddings scaled to a standard deviation of
            one. Half of it times the squared kernel is added to the loss. As part of the loss the
            penalty does not depend on the learning rate.
        label_smoothing: Part of the target that is spread over all classes ("Rethinking the
            Inception Architecture", Szegedy et al., 2016, section 7).
    """

    weight_decay: float
    label_smoothing: float


def recipe_grid(
    weight_decays: Sequence[float], label_smoothings: Sequence[float]
) -> tuple[Recipe, ...]:
    """Return every weight decay with every label smoothing, ordered by the weight decays."""
    return tuple(Recipe(*values) for values in product(weight_decays, label_smoothings))


#: Label smoothing helps with few pictures. More weight decays only fit the eval split better.
RECIPES = recipe_grid((0.0, 1e-2), (0.0, 0.1))


@dataclass(frozen=True)
class LabelledEmbeddings:
    """Embeddings of one split, with targets, weights and domains.

    Attributes:
        embeddings: Embeddings, floats [rows, dim], in memory or memory-mapped.
        targets: Class IDs, int32 [rows]; -1 for an unknown class, which does not count.
        weights: Weight of each row, float32 [rows].
        domains: Domain IDs, int32 [rows].
    """

    embeddings: npt.NDArray[np.floating]
    targets: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]
    domains: npt.NDArray[np.int32]

    def take(self, rows: npt.NDArray[np.int64] | slice) -> tuple[tf.Tensor, ...]:
        """Return embeddings, targets, weights (0 for an unknown target) and domains of rows."""
        targets = self.targets[rows]
        weights = np.where(targets < 0, 0, self.weights[rows]).astype(np.float32)
        arrays = (self.embeddings[rows], targets, weights, self.domains[rows])
        return tuple(tf.convert_to_tensor(array) for array in arrays)


class LinearHeads:
    """Heads side by side: head h has columns h * classes to (h + 1) * classes of the kernel."""

    def __init__(
        self,
        start: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
        recipes: Sequence[Recipe],
        scale: float,
        objective: ObjectiveFunction,
        learning_rate: float,
    ) -> None:
        """Create one head per recipe, all with the same weights.

        Args:
            start: Kernel [dim, classes] and bias [classes] of every head before training.
            recipes: Regularisation of each head.
            scale: Number by which embeddings are divided.
            objective: Objective to minimise; the L2 penalty is added to it.
            learning_rate: Learning rate of Adam.
        """
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

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def train(self, steps: tf.Tensor, *rows: tf.Tensor) -> tf.Tensor:
        """Train on some rows (see `LabelledEmbeddings.take`) once; return the sum of the losses.

        Args:
            steps: Number of batches into which the rows are divided, int64 scalar.
            *rows: Embeddings, targets, weights and domains of the rows.
        """
        count, total = tf.shape(rows[0], tf.int64)[0], tf.constant(0.0)
        for step in tf.range(steps):
            first, end = step * count // steps, (step + 1) * count // steps
            total += self._step(*(values[first:end] for values in rows))
        return total

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def evaluate(self, embeddings: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return predicted classes (int64) and cross entropy, both [rows, heads]."""
        logits = self._logits(self._scaled(embeddings))
        return tf.argmax(logits, axis=-1), cross_entropy(logits, targets, tf.constant(0.0))

    def unscaled(self, head: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return kernel and bias of one head for embeddings that are not scaled."""
        columns = slice(head * self._classes, (head + 1) * self._classes)
        kernel = tf.convert_to_tensor(self._kernel)[:, columns] / self._scale
        return kernel.numpy(), tf.convert_to_tensor(self._bias)[columns].numpy()

    def _step(
        self, embeddings: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, domains: tf.Tensor
    ) -> tf.Tensor:
        scaled = self._scaled(embeddings)
        variables = [self._kernel, self._bias]
        with tf.GradientTape() as tape:
            losses = cross_entropy(self._logits(scaled), targets, self._smoothings)
            loss = self._objective(losses, weights, scaled, domains)
            penalty = tf.reduce_sum(self._decays * tf.square(self._kernel)) / 2
            total = loss + penalty
        gradients = tape.gradient(total, [variable.value for variable in variables])
        self._optimizer.apply(gradients, variables)
        return loss

    def _scaled(self, embeddings: tf.Tensor) -> tf.Tensor:
        return tf.cast(embeddings, tf.float32) / self._scale

    def _logits(self, scaled: tf.Tensor) -> tf.Tensor:
        columns = tf.matmul(scaled, self._kernel) + self._bias
        return tf.reshape(columns, (-1, self.count, self._classes))


def cross_entropy(logits: tf.Tensor, targets: tf.Tensor, smoothings: tf.Tensor) -> tf.Tensor:
    """Return the cross entropy of every row and head, float32 [rows, heads].

    Args:
        logits: Logits, float32 [rows, heads, classes].
        targets: Class IDs, int32 [rows].
        smoothings: Label smoothing, float32 [heads] or a scalar for all heads.
    """
    logs = tf.nn.log_softmax(logits)
    hard = tf.reduce_sum(logs * tf.one_hot(targets, logits.shape[-1])[:, None], axis=-1)
    return -(1 - smoothings) * hard - smoothings * tf.reduce_mean(logs, axis=-1)


def weighted_mean(
    losses: tf.Tensor, weights: tf.Tensor, embeddings: tf.Tensor, domains: tf.Tensor
) -> tf.Tensor:
    """Return the default objective: the weighted mean loss over rows, summed over heads.

    Args:
        losses: Losses, float32 [batch, heads].
        weights: Weight of each row, float32 [batch]. If all are 0, so is the result.
        embeddings: Not used.
        domains: Not used.
    """
    means = tf.math.divide_no_nan(
        tf.linalg.matvec(losses, weights, transpose_a=True), tf.reduce_sum(weights)
    )
    return tf.reduce_sum(means)
