"""The SavedModel: signatures for servers, metrics and tools, and what the next run needs."""

import json
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from trainer_module.classifier import Classifier, build_classifier, copy_in_float32
from trainer_module.contract import example_features
from trainer_module.data.preprocessing import decode_and_resize_batch
from trainer_module.training_options import BackboneOptions

EXTRA = "assets.extra"
DESCRIPTION = "model.json"
WEIGHTS = "classifier.weights.h5"


class ServingModule(tf.Module):
    """Encoded pictures -> answers, with the preprocessing inside.

    Pixels come from the same function that Transform calls. Transform only serializes them, so
    its graph is not repeated here.
    """

    def __init__(self, classifier: Classifier, temperature: float) -> None:
        """Wrap a float32 classifier, whose logits are divided by a temperature."""
        super().__init__()
        self._temperature = temperature
        self._backbone = classifier.backbone.model
        self._head = classifier.head
        self._image_size = classifier.backbone.image_size
        self._labels = tf.constant([_as_bytes(label) for label in classifier.labels])
        self._label_ids = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                self._labels, tf.range(len(classifier.labels), dtype=tf.int64)
            ),
            default_value=-1,
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image")])
    def classify(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Encoded pictures -> label, confidence, probabilities [batch, classes]."""
        logits = self._head(self._embed(image), training=False)
        probabilities = tf.nn.softmax(logits / self._temperature)
        best = tf.argmax(logits, axis=-1)
        return {
            example_features.LABEL: tf.gather(self._labels, best),
            "confidence": tf.reduce_max(probabilities, axis=-1),
            example_features.PROBABILITIES: probabilities,
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image")])
    def embed(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Encoded pictures -> pooled features, float32 [batch, dim]."""
        return {"embedding": self._embed(image)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def classify_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Serialized tf.Examples of ingestion -> what `classify` gives."""
        return self.classify(self._feature(examples, example_features.IMAGE))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def label_ids(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Serialized tf.Examples -> this model's class ids, -1 for a class it does not know."""
        labels = self._feature(examples, example_features.LABEL)
        return {example_features.LABEL_ID: self._label_ids.lookup(labels)}

    def _embed(self, image: tf.Tensor) -> tf.Tensor:
        pixels = decode_and_resize_batch(image, self._image_size)
        return self._backbone(tf.cast(pixels, tf.float32), training=False)

    @staticmethod
    def _feature(examples: tf.Tensor, name: str) -> tf.Tensor:
        spec = {name: tf.io.FixedLenFeature([], tf.string)}
        return tf.io.parse_example(examples, spec)[name]


def export_classifier(
    classifier: Classifier, report: dict[str, Any], folder: str, temperature: float = 1.0
) -> None:
    """Write a SavedModel that serves anywhere, and from which the next run can start.

    Args:
        classifier: trained, of any precision.
        report: what training says of itself, kept beside the model.
        folder: of the SavedModel; `assets.extra` in it holds description and weights.
        temperature: that logits are divided by before the softmax, see `calibration`. The weights
            are kept as they are.
    """
    served = copy_in_float32(classifier)
    module = ServingModule(served, temperature)
    signatures = {
        "serving_default": module.classify,
        "serving_examples": module.classify_examples,
        "embed": module.embed,
        example_features.LABEL_ID: module.label_ids,
    }
    tf.saved_model.save(module, folder, signatures=signatures)
    extra = Path(folder, EXTRA)
    extra.mkdir(parents=True, exist_ok=True)
    _whole(served).save_weights(extra / WEIGHTS)
    description = {
        "labels": list(served.labels),
        "backbone": served.backbone.name,
        "image_size": served.backbone.image_size,
        "temperature": temperature,
        "training": report,
    }
    (extra / DESCRIPTION).write_text(json.dumps(description, indent=1))


def read_description(folder: str) -> dict[str, Any]:
    """What an exported model says of itself: labels, backbone, image_size, temperature, training.

    Models from before calibration have no temperature of their own: theirs is 1.
    """
    return {"temperature": 1.0} | json.loads(Path(folder, EXTRA, DESCRIPTION).read_text())


def load_classifier(folder: str) -> Classifier:
    """Make the classifier of an exported model again, to train on from it.

    Args:
        folder: of the SavedModel.

    Raises:
        OSError: the folder holds no model that this trainer exported.
    """
    description = read_description(folder)
    options = BackboneOptions(name=description["backbone"], weights="none")
    labels = tuple(description["labels"])
    classifier = build_classifier(options, description["image_size"], labels)
    _whole(classifier).load_weights(Path(folder, EXTRA, WEIGHTS))
    return classifier


def _whole(classifier: Classifier) -> keras.Model:
    backbone = classifier.backbone.model
    return keras.Model(backbone.input, classifier.head(backbone.output))


def _as_bytes(label: str) -> bytes:
    return label.encode("utf-8", "surrogateescape")
