"""Part of the exported graph that says how novel a picture is, and whether to accept a prediction.

It consists of operations that TensorFlow Lite and ONNX have, too.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from trainer_module.contract.example_features import ACCEPTED, NOVELTY
from trainer_module.export.model_description import ACCEPTANCE, read_description
from trainer_module.export.novelty import SMALLEST_NORM, NoveltyModel, read_novelty


@dataclass(frozen=True)
class AcceptanceRule:
    """What decides whether a prediction is accepted.

    Attributes:
        novelty_model: Means of the training pictures, and usual distances.
        min_confidence: Lowest confidence of an accepted prediction.
        max_novelty: Greatest novelty of an accepted prediction.
    """

    novelty_model: NoveltyModel
    min_confidence: float
    max_novelty: float

    def outputs(
        self, embeddings: tf.Tensor, probabilities: tf.Tensor, in_8_bit: bool = False
    ) -> dict[str, tf.Tensor]:
        """Return `novelty`, float32 [batch], and `accepted`, bool [batch].

        Args:
            embeddings: Embeddings, float32 [batch, dim].
            probabilities: Probabilities of the classes, float32 [batch, classes].
            in_8_bit: Whether the graph is computed in 8 bit later.
        """
        novelty = novelty_tensor(self.novelty_model, embeddings, in_8_bit)
        confidence = tf.reduce_max(probabilities, axis=-1)
        is_confident = confidence >= self.min_confidence
        return {
            NOVELTY: novelty,
            ACCEPTED: tf.logical_and(is_confident, novelty <= self.max_novelty),
        }


def novelty_tensor(model: NoveltyModel, embeddings: tf.Tensor, in_8_bit: bool = False) -> tf.Tensor:
    """Return the novelty of embeddings, float32 [batch], as `NoveltyModel.novelty` does.

    Args:
        model: Means of the training pictures, and usual distances.
        embeddings: Embeddings, float32 [batch, dim].
        in_8_bit: Whether to round the novelty to the level of a quantile: numbers with 8 bits
            cannot hold both the differences between quantiles and those to the farthest picture.
    """
    squared_norms = tf.reduce_sum(tf.square(embeddings), axis=1, keepdims=True)
    units = embeddings / tf.maximum(tf.sqrt(squared_norms), SMALLEST_NORM)
    squares = np.square(model.means).sum(axis=1) - 2.0 * tf.matmul(units, model.means.T)
    nearest = 1.0 + tf.reduce_min(squares, axis=1, keepdims=True)
    if in_8_bit:
        middles = (model.distances[:-1] + model.distances[1:]) / 2
        steps = tf.cast(nearest >= middles, tf.float32)
        return tf.reduce_sum(np.diff(model.levels) * steps, axis=1)
    # The sum of ramps is linear interpolation; TensorFlow Lite cannot search in a sorted list.
    ramps = (nearest - model.distances[:-1]) / np.diff(model.distances)
    levels = np.diff(model.levels) * tf.clip_by_value(ramps, 0.0, 1.0)
    return tf.clip_by_value(tf.reduce_sum(levels, axis=1), 0.0, 1.0)


def read_rule(folder: str) -> AcceptanceRule | None:
    """Read the rule of an exported model; None for one that was exported without a rule.

    Args:
        folder: Folder of the SavedModel.

    Raises:
        FileNotFoundError: Another program has exported the model.
        UnavailableError: A file of the model is unreadable or damaged.
    """
    limits = read_description(folder).get("training", {}).get(ACCEPTANCE)
    novelty_model = read_novelty(folder)
    if novelty_model is None or limits is None:
        return None
    return AcceptanceRule(novelty_model, limits["min_confidence"], limits["max_novelty"])
