"""The exported SavedModel: its signatures, and the files that the next run needs."""

import json
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from trainer_module.classifier import Classifier, build_classifier, copy_in_float32
from trainer_module.contract import example_features
from trainer_module.contract.model_assets import DESCRIPTION, EXTRA, WEIGHTS
from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION, reading
from trainer_module.data.preprocessing import decode_and_resize_batch
from trainer_module.export.model_description import read_description
from trainer_module.training_options import BackboneOptions

#: Inputs of the signatures: encoded pictures, or serialized tf.Examples.
IMAGES = [tf.TensorSpec([None], tf.string, name="image")]
EXAMPLES = [tf.TensorSpec([None], tf.string, name="examples")]


class ServingModule(tf.Module):
    """Module of the SavedModel: predictions from encoded pictures, with the preprocessing inside.

    Pictures are decoded and resized by the same function that Transform calls. Transform only
    serializes the result, so its graph is not used here.
    """

    def __init__(self, classifier: Classifier, temperature: float) -> None:
        """Wrap a classifier.

        Args:
            classifier: Classifier with float32 weights.
            temperature: Number by which logits are divided before the softmax.
        """
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

    @tf.function(input_signature=IMAGES)
    def classify(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return label, confidence and probabilities [batch, classes] of encoded pictures."""
        logits = self._head(self._embed(image), training=False)
        probabilities = tf.nn.softmax(logits / self._temperature)
        best = tf.argmax(logits, axis=-1)
        return {
            example_features.LABEL: tf.gather(self._labels, best),
            "confidence": tf.reduce_max(probabilities, axis=-1),
            example_features.PROBABILITIES: probabilities,
        }

    @tf.function(input_signature=IMAGES)
    def embed(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the embeddings of encoded pictures, float32 [batch, dim]."""
        return {"embedding": self._embed(image)}

    @tf.function(input_signature=EXAMPLES)
    def classify_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the result of `classify` for serialized tf.Examples of ImageExampleGen."""
        images = self._feature(examples, example_features.IMAGE)
        predictions: dict[str, tf.Tensor] = self.classify(images)
        return predictions

    @tf.function(input_signature=EXAMPLES)
    def label_ids(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the class ids of serialized tf.Examples, -1 for a class that is unknown here."""
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
    """Write a SavedModel that needs TensorFlow only, and from which the next run can start.

    Args:
        classifier: Trained classifier of any precision.
        report: Report of the training, which is kept with the model.
        folder: Folder of the SavedModel; `assets.extra` in it gets description and weights.
        temperature: Number by which logits are divided before the softmax, see `calibration`. The
            weights are not changed.
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
    Path(folder, EXTRA).mkdir(parents=True, exist_ok=True)
    _joined_model(served).save_weights(Path(folder, WEIGHTS))
    description = {
        "labels": list(served.labels),
        "backbone": served.backbone.name,
        "image_size": served.backbone.image_size,
        "temperature": temperature,
        "training": report,
    }
    Path(folder, DESCRIPTION).write_text(json.dumps(description, indent=1))


def load_classifier(folder: str) -> Classifier:
    """Load the classifier of an exported model, to continue training with it.

    Args:
        folder: Folder of the SavedModel.

    Raises:
        FileNotFoundError: The folder contains no model that this trainer exported.
        UnavailableError: A file of the model is missing or damaged.
    """
    description = read_description(folder)
    options = BackboneOptions(name=description["backbone"], weights="none")
    labels = tuple(description["labels"])
    classifier = build_classifier(options, description["image_size"], labels)
    weights = Path(folder, WEIGHTS)
    with reading(weights, "weights", RESTORE_VERSION):
        _joined_model(classifier).load_weights(weights)
    return classifier


def _joined_model(classifier: Classifier) -> keras.Model:
    """Return backbone and head as one model, whose weights are saved in one file."""
    backbone = classifier.backbone.model
    return keras.Model(backbone.input, classifier.head(backbone.output))


def _as_bytes(label: str) -> bytes:
    return label.encode("utf-8", "surrogateescape")
