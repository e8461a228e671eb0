"""The model that is trained: a backbone and a head over a growing list of classes."""

from dataclasses import dataclass

import keras
import numpy as np

from trainer_module.backbones import Backbone, build_backbone
from trainer_module.training_options import BackboneOptions


@dataclass(frozen=True)
class Classifier:
    """A backbone with a linear head.

    Attributes:
        backbone: pictures (float32 RGB 0-255) -> pooled features.
        head: features -> logits, float32 [batch, classes].
        labels: class names; their position is the class id.
    """

    backbone: Backbone
    head: keras.Model
    labels: tuple[str, ...]

    def get_weights(self) -> list[np.ndarray]:
        """All weights, of the backbone first."""
        return [*self.backbone.model.get_weights(), *self.head.get_weights()]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Take over what `get_weights` gave."""
        count = len(self.backbone.model.weights)
        self.backbone.model.set_weights(weights[:count])
        self.head.set_weights(weights[count:])


def build_classifier(
    options: BackboneOptions, image_size: int, labels: tuple[str, ...]
) -> Classifier:
    """Make a classifier with a pretrained backbone and a head of zeros.

    A linear layer needs no random start: zeros are the same on every machine.
    """
    weights = None if options.weights == "none" else options.weights
    backbone = build_backbone(options.name, weights=weights, image_size=image_size)
    return Classifier(backbone, build_head(backbone.model.output.shape[-1], len(labels)), labels)


def build_head(features: int, classes: int) -> keras.Model:
    """A linear layer: [batch, features] -> float32 logits [batch, classes]."""
    inputs = keras.Input((features,), name="features")
    logits = keras.layers.Dense(
        classes, kernel_initializer="zeros", dtype="float32", name="logits"
    )(inputs)
    return keras.Model(inputs, logits, name="head")


def copy_in_float32(classifier: Classifier) -> Classifier:
    """The same classifier without mixed precision, for serving on any machine."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        options = BackboneOptions(name=classifier.backbone.name, weights="none")
        copy = build_classifier(options, classifier.backbone.image_size, classifier.labels)
    finally:
        keras.config.set_dtype_policy(policy)
    copy.set_weights(classifier.get_weights())
    return copy


def extend_labels(known: tuple[str, ...], seen: set[str]) -> tuple[str, ...]:
    """Class ids are append-only: known classes keep theirs, new ones follow in name order."""
    return (*known, *sorted(seen - set(known)))


def adopt(classifier: Classifier, earlier: Classifier) -> None:
    """Start from an earlier classifier; classes that it did not know start at zero.

    Args:
        classifier: knows the earlier one's labels first, and perhaps more.
        earlier: of the same backbone.
    """
    classifier.backbone.model.set_weights(earlier.backbone.model.get_weights())
    adopt_head(classifier, earlier.head.get_weights(), len(earlier.labels))


def adopt_head(classifier: Classifier, head: list[np.ndarray], classes: int) -> None:
    """Take over a part of a head.

    Args:
        classifier: keeps its own head for the other classes.
        head: kernel [features, at least so many classes] and bias.
        classes: how many, the first ones.
    """
    kernel, bias = classifier.head.get_weights()
    kernel[:, :classes] = head[0][:, :classes]
    bias[:classes] = head[1][:classes]
    classifier.head.set_weights([kernel, bias])
