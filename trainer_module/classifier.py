"""Classifier: a backbone and a linear head, whose list of classes can grow."""

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from trainer_module.backbones import Backbone, build_backbone, rebuild_backbone
from trainer_module.training_options import BackboneOptions

#: Factor on the weights of a trained head with which fine-tuning starts.
HEAD_SHARE = 0.4


@dataclass(frozen=True)
class Classifier:
    """A backbone with a linear head.

    Attributes:
        backbone: Network of pictures (RGB, float32, 0 to 255) that returns embeddings.
        head: Linear layer of embeddings that returns logits, float32 [batch, classes].
        labels: Class names; the position of a name is the class ID.
    """

    backbone: Backbone
    head: keras.Model
    labels: tuple[str, ...]

    def get_weights(self) -> list[npt.NDArray[np.float32]]:
        """Return all weights, those of the backbone first."""
        return [*self.backbone.model.get_weights(), *self.head.get_weights()]

    def set_weights(self, weights: list[npt.NDArray[np.float32]]) -> None:
        """Set all weights, in the order of `get_weights`."""
        count = len(self.backbone.model.weights)
        self.backbone.model.set_weights(weights[:count])
        self.head.set_weights(weights[count:])


def build_classifier(
    options: BackboneOptions, image_size: int, labels: tuple[str, ...]
) -> Classifier:
    """Return a classifier with the backbone of the options and a head of zeros.

    A linear layer needs no random initialisation, and zeros are the same on every machine.

    Args:
        options: Name of the backbone, and the source of its weights.
        image_size: Side of the pictures, in pixels.
        labels: Class names, in the order of their IDs.

    Example:
        >>> from trainer_module.classifier import build_classifier
        >>> from trainer_module.training_options import BackboneOptions
        >>> options = BackboneOptions(name="efficientnet_lite0", weights="none")
        >>> classifier = build_classifier(options, image_size=64, labels=("cat", "dog"))
        >>> classifier.backbone.model.output.shape, classifier.head.output.shape
        ((None, 1280), (None, 2))
    """
    weights = None if options.weights == "none" else options.weights
    backbone = build_backbone(options.name, weights, image_size, options.scaling, options.download)
    return with_new_head(backbone, labels)


def with_new_head(backbone: Backbone, labels: tuple[str, ...]) -> Classifier:
    """Return a classifier with a backbone and a head of zeros.

    Args:
        backbone: Backbone of the classifier.
        labels: Class names, in the order of their IDs.
    """
    return Classifier(backbone, build_head(backbone.model.output.shape[-1], len(labels)), labels)


def build_head(dim: int, classes: int) -> keras.Model:
    """Return a linear layer: embeddings [batch, dim] -> float32 logits [batch, classes]."""
    inputs = keras.Input((dim,), name="features")
    logits = keras.layers.Dense(
        classes, kernel_initializer="zeros", dtype="float32", name="logits"
    )(inputs)
    return keras.Model(inputs, logits, name="head")


def copy_in_float32(classifier: Classifier) -> Classifier:
    """Return a copy without mixed precision, which can be served on any machine."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        source = classifier.backbone
        backbone = rebuild_backbone(source.name, source.image_size, source.architecture)
        copy = with_new_head(backbone, classifier.labels)
    finally:
        keras.config.set_dtype_policy(policy)
    copy.set_weights(classifier.get_weights())
    return copy


def extend_labels(known: tuple[str, ...], seen: set[str]) -> tuple[str, ...]:
    """Return the known class names and, after them, new ones in name order.

    Class IDs are append-only: known classes keep theirs.
    """
    return (*known, *sorted(seen - set(known)))


def warm_start(classifier: Classifier, earlier: Classifier) -> None:
    """Copy the weights of an earlier classifier; the head of its unknown classes stays as it is.

    Args:
        classifier: Classifier to change. Its first labels are those of the earlier one.
        earlier: Classifier with the same backbone.
    """
    classifier.backbone.model.set_weights(earlier.backbone.model.get_weights())
    warm_start_head(classifier, earlier.head.get_weights(), len(earlier.labels))


def warm_start_head(
    classifier: Classifier, head: list[npt.NDArray[np.float32]], classes: int
) -> None:
    """Copy the head's weights of the first classes; those of other classes stay as they are.

    Args:
        classifier: Classifier to change.
        head: Kernel [dim, at least `classes`] and bias of another head.
        classes: Number of classes to copy.
    """
    kernel, bias = classifier.head.get_weights()
    kernel[:, :classes] = head[0][:, :classes]
    bias[:classes] = head[1][:classes]
    classifier.head.set_weights([kernel, bias])


def start_fine_tuning(
    classifier: Classifier, head: list[npt.NDArray[np.float32]], warm_classes: int
) -> None:
    """Give the head the weights from which fine-tuning starts.

    In a first training the head of the frozen stage is made smaller by `HEAD_SHARE`: it predicts
    the same classes, with less confidence, so that there is a loss left for the blocks below it to
    learn from ("On warm-starting neural network training", Ash and Adams, arXiv 1910.08475; figures
    in docs/figures.md). In a retraining, classes that the serving model knows get the weights of
    its head, and new ones keep those of the frozen stage.

    Args:
        classifier: Classifier after the frozen stage.
        head: Kernel and bias of the head before the frozen stage.
        warm_classes: Number of classes, the first ones, that the serving model knows.
    """
    if warm_classes:
        warm_start_head(classifier, head, warm_classes)
    else:
        trained = classifier.head.get_weights()
        classifier.head.set_weights([HEAD_SHARE * weight for weight in trained])
