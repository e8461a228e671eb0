"""Search for the best linear head on the embeddings of a frozen backbone."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer_module.stages.linear_heads import (
    RECIPES,
    LabelledEmbeddings,
    LinearHeads,
    ObjectiveFunction,
    Recipe,
    weighted_mean,
)

logger = logging.getLogger("carryover.training")

#: Largest number of heads times classes. It bounds both the memory (kernel, gradient and two
#: moments of Adam: 42 MB for 1,280 features) and the time of a step: 1,000 classes leave room for
#: two heads.
MAX_COLUMNS = 2048

#: Embeddings are read from their array in chunks of about this size, which may be all of them.
CHUNK_BYTES = 256 * 2**20

#: Rows per matrix multiplication of an evaluation.
EVALUATION_ROWS = 2048

#: Number of rows from which the scale of the embeddings is estimated.
SAMPLE_ROWS = 1024


@dataclass(frozen=True)
class HeadEpoch:
    """Metrics of one epoch, over all heads.

    Attributes:
        number: Number of the epoch; the first is 1.
        loss: Training loss, mean over batches and heads, without the penalty.
        evaluation_loss: Cross entropy on the evaluation rows without label smoothing, mean over
            heads.
        best_score: Score of the best head in this epoch.
        mean_score: Mean score of the heads.
    """

    number: int
    loss: float
    evaluation_loss: float
    best_score: float
    mean_score: float


@dataclass(frozen=True)
class BestHead:
    """Best head at its best epoch, for embeddings that are not scaled.

    Attributes:
        kernel: Kernel, float32 [dim, classes].
        bias: Bias, float32 [classes].
        recipe: Regularisation of the head.
        score: Score on the evaluation rows.
        evaluation_loss: Cross entropy on the evaluation rows.
        epoch: Epoch after which the head was taken; the first is 1.
        curve: Metrics of every epoch that was trained.
    """

    kernel: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    recipe: Recipe
    score: float
    evaluation_loss: float
    epoch: int
    curve: list[HeadEpoch]

    @property
    def epochs(self) -> int:
        """Number of epochs that were trained."""
        return len(self.curve)


def search_head(
    train: LabelledEmbeddings,
    evaluation: LabelledEmbeddings,
    score: Callable[[npt.NDArray[np.int64]], float],
    start: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
    *,
    recipes: Sequence[Recipe] = RECIPES,
    objective: ObjectiveFunction = weighted_mean,
    epochs: int = 60,
    batch_size: int = 256,
    learning_rate: float = 2e-3,
    patience: int = 6,
    seed: int = 17,
    on_epoch: Callable[[HeadEpoch], None] | None = None,
) -> BestHead:
    """Train one linear head per recipe, all at once, and return the best one.

    All heads see the same batches in the same order, and share one matrix multiplication. The
    embeddings are divided by their standard deviation, so that one learning rate fits every
    backbone; the returned weights include this scale. The same seed gives the same bits. The
    heads are trained on one device: there is too little work to distribute.

    Args:
        train: Rows to train on.
        evaluation: Rows that select the head and the epoch, and decide when to stop. Their
            weights enter the evaluation loss, which only breaks ties.
        score: Function of the predicted class IDs of the evaluation rows, int64 [rows]; a larger
            value is better.
        start: Kernel [dim, classes] and bias [classes] of every head before training: zeros, or
            the head of an earlier classifier.
        recipes: Regularisation of each head, in order of importance; recipes beyond `MAX_COLUMNS`
            are left out.
        objective: Objective to minimise; the L2 penalty is added to it.
        epochs: Largest number of epochs.
        batch_size: Largest number of rows per step; the batches of a chunk are of equal size.
        learning_rate: Learning rate of Adam.
        patience: Number of epochs in which no head improves its best score before training stops.
        seed: Seed of the order of rows.
        on_epoch: Function that is called after every epoch.
    """
    recipes = _within_limit(recipes, classes=len(start[1]))
    heads = LinearHeads(start, recipes, _scale(train.embeddings), objective, learning_rate)
    random = np.random.default_rng(seed)
    curve: list[HeadEpoch] = []
    best = BestHead(*start, recipes[0], -np.inf, np.inf, 0, curve)  # any epoch is better
    best_scores, improved = np.full(len(recipes), -np.inf), 0
    while len(curve) < min(epochs, improved + patience):
        loss = _train_epoch(heads, train, batch_size, random)
        predictions, losses = _evaluate(heads, evaluation)
        scores = np.array([score(predicted) for predicted in predictions])
        number = len(curve) + 1
        curve.append(_summarise(number, loss, losses, scores))
        if (scores > best_scores).any():
            best_scores, improved = np.maximum(best_scores, scores), number
        winner = int(np.lexsort((losses, -scores))[0])
        if (scores[winner], -losses[winner]) > (best.score, -best.evaluation_loss):
            best = BestHead(
                *heads.unscaled(winner),
                recipe=recipes[winner],
                score=float(scores[winner]),
                evaluation_loss=float(losses[winner]),
                epoch=number,
                curve=curve,
            )
        if on_epoch:
            on_epoch(curve[-1])
    return best


def _summarise(
    number: int,
    loss: float,
    losses: npt.NDArray[np.float64],
    scores: npt.NDArray[np.float64],
) -> HeadEpoch:
    """Return the metrics of an epoch, from evaluation losses [heads] and scores [heads]."""
    return HeadEpoch(
        number=number,
        loss=loss,
        evaluation_loss=float(losses.mean()),
        best_score=float(scores.max()),
        mean_score=float(scores.mean()),
    )


def _train_epoch(
    heads: LinearHeads, rows: LabelledEmbeddings, batch_size: int, random: np.random.Generator
) -> float:
    """Train on all rows once, in random order; return the mean loss per step and head."""
    order = random.permutation(len(rows.targets))
    chunks = -(-rows.embeddings.nbytes // CHUNK_BYTES)
    loss, steps = 0.0, 0
    for chunk in np.array_split(order, chunks):
        batches = -(-len(chunk) // batch_size)
        loss += float(heads.train(tf.constant(batches, tf.int64), *rows.take(chunk)))
        steps += batches
    return loss / steps / heads.count


def _evaluate(
    heads: LinearHeads, rows: LabelledEmbeddings
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return predicted classes [heads, rows] and weighted mean cross entropy [heads]."""
    predictions, losses, total = [], np.zeros(heads.count), 0.0
    for first in range(0, len(rows.targets), EVALUATION_ROWS):
        embeddings, targets, weights, _ = rows.take(slice(first, first + EVALUATION_ROWS))
        predicted, entropy = heads.evaluate(embeddings, targets)
        predictions.append(predicted.numpy())
        losses += weights.numpy() @ entropy.numpy()
        total += float(weights.numpy().sum())
    return np.concatenate(predictions).T, losses / (total or 1.0)


def _within_limit(recipes: Sequence[Recipe], classes: int) -> Sequence[Recipe]:
    """Return the first recipes, as many as `MAX_COLUMNS` allows and at least one."""
    count = max(1, MAX_COLUMNS // classes)
    if count < len(recipes):
        logger.info("%s classes: %s of %s recipes are tried", classes, count, len(recipes))
    return recipes[:count]


def _scale(embeddings: npt.NDArray[np.floating]) -> float:
    """Return the standard deviation over some rows of the whole array."""
    sample = embeddings[:: -(-len(embeddings) // SAMPLE_ROWS)]
    return float(sample.std(dtype=np.float64)) or 1.0
