"""The exported SavedModel: its signatures, and the files that the next run needs."""

import json
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from trainer_module.backbones import rebuild_backbone
from trainer_module.backbones.preset_folder import require_keras_hub
from trainer_module.backbones.saved_network import (
    Architecture,
    is_saved_network,
)
from trainer_module.backbones.serialized_objects import needs_keras_hub
from trainer_module.classifier import Classifier, copy_in_float32, with_new_head
from trainer_module.contract import example_features
from trainer_module.contract.example_features import SERVING_DEFAULT
from trainer_module.contract.model_assets import ARCHITECTURE, DESCRIPTION, EXTRA, WEIGHTS
from trainer_module.contract.workspace_files.state_files import (
    RESTORE_VERSION,
    read_json_object,
    reading,
)
from trainer_module.data.preprocessing import decode_and_resize_batch
from trainer_module.export.acceptance_rule import AcceptanceRule
from trainer_module.export.model_description import read_description
from trainer_module.export.warmup_requests import write_warmup_requests

#: Names of the signatures for encoded pictures and for serialized tf.Examples, beside the default.
EMBED, SERVING_EXAMPLES = "embed", "serving_examples"

#: Inputs of the signatures: encoded pictures, or serialized tf.Examples.
IMAGES = [tf.TensorSpec([None], tf.string, name="image")]
EXAMPLES = [tf.TensorSpec([None], tf.string, name="examples")]


class ServingModule(tf.Module):
    """Module of the SavedModel: predictions from encoded pictures, with the preprocessing inside.

    Pictures are decoded and resized by the same function that Transform calls. Transform only
    serializes the result, so its graph is not used here.
    """

    def __init__(
        self, classifier: Classifier, temperature: float, rule: AcceptanceRule | None
    ) -> None:
        """Wrap a classifier.

        Args:
            classifier: Classifier with float32 weights.
            temperature: Number by which logits are divided before the softmax.
            rule: Rule for `novelty` and `accepted`; None to leave both out.
        """
        super().__init__()
        self._temperature = temperature
        self._rule = rule
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
        """Return the predictions for encoded pictures, and what the rule says about them.

        The outputs are `label`, `confidence` and `probabilities` [batch, classes]; with a rule also
        `novelty` and `accepted`.
        """
        embeddings = self._embed(image)
        predictions = self._predict(embeddings)
        if self._rule is None:
            return predictions
        probabilities = predictions[example_features.PROBABILITIES]
        return predictions | self._rule.outputs(embeddings, probabilities)

    @tf.function(input_signature=IMAGES)
    def embed(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the embeddings of encoded pictures, float32 [batch, dim]."""
        return {"embedding": self._embed(image)}

    @tf.function(input_signature=EXAMPLES)
    def classify_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the predictions for serialized tf.Examples of ImageExampleGen."""
        return self._predict(self._embed(self._feature(examples, example_features.IMAGE)))

    @tf.function(input_signature=EXAMPLES)
    def label_ids(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the class ids of serialized tf.Examples, -1 for a class that is unknown here."""
        labels = self._feature(examples, example_features.LABEL)
        return {example_features.LABEL_ID: self._label_ids.lookup(labels)}

    def _predict(self, embeddings: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = self._head(embeddings, training=False)
        probabilities = tf.nn.softmax(logits / self._temperature)
        best = tf.argmax(logits, axis=-1)
        return {
            example_features.LABEL: tf.gather(self._labels, best),
            example_features.CONFIDENCE: tf.reduce_max(probabilities, axis=-1),
            example_features.PROBABILITIES: probabilities,
        }

    @tf.function(input_signature=IMAGES)
    def _embed(self, image: tf.Tensor) -> tf.Tensor:
        """Return embeddings. The export has one copy of the network, which its signatures call."""
        pixels = decode_and_resize_batch(image, self._image_size)
        return self._backbone(tf.cast(pixels, tf.float32), training=False)

    @staticmethod
    def _feature(examples: tf.Tensor, name: str) -> tf.Tensor:
        spec = {name: tf.io.FixedLenFeature([], tf.string)}
        return tf.io.parse_example(examples, spec)[name]


def export_classifier(
    classifier: Classifier,
    report: dict[str, Any],
    folder: str,
    temperature: float = 1.0,
    rule: AcceptanceRule | None = None,
) -> None:
    """Write a SavedModel that needs TensorFlow only, and from which the next run can start.

    Args:
        classifier: Trained classifier of any precision.
        report: Report of the training, which is kept with the model.
        folder: Folder of the SavedModel; `assets.extra` in it gets description and weights.
        temperature: Number by which logits are divided before the softmax, see `calibration`. The
            weights are not changed.
        rule: Rule for the outputs `novelty` and `accepted`; None for a model without them. Its
            limits are read from the report later.
    """
    served = copy_in_float32(classifier)
    module = ServingModule(served, temperature, rule)
    signatures = {
        SERVING_DEFAULT: module.classify,
        SERVING_EXAMPLES: module.classify_examples,
        EMBED: module.embed,
        example_features.LABEL_ID: module.label_ids,
    }
    tf.saved_model.save(module, folder, signatures=signatures)
    Path(folder, EXTRA).mkdir(parents=True, exist_ok=True)
    clients_use = {SERVING_DEFAULT: IMAGES, EMBED: IMAGES, SERVING_EXAMPLES: EXAMPLES}
    write_warmup_requests(Path(folder), {name: spec[0].name for name, spec in clients_use.items()})
    _joined_model(served).save_weights(Path(folder, WEIGHTS))
    if architecture := served.backbone.architecture:
        Path(folder, ARCHITECTURE).write_text(json.dumps(architecture.as_json()))
    description = {
        "labels": list(served.labels),
        "backbone": served.backbone.name,
        "image_size": served.backbone.image_size,
        "temperature": temperature,
        "training": report,
    }
    Path(folder, DESCRIPTION).write_text(json.dumps(description, indent=1))
    if rule:
        rule.novelty_model.write(folder)


def load_classifier(folder: str) -> Classifier:
    """Load the classifier of an exported model, to continue training with it.

    A backbone that was read from files is built from the export alone, not from these files.

    Args:
        folder: Folder of the SavedModel.

    Raises:
        FileNotFoundError: The folder contains no model that this trainer exported.
        UnavailableError: A file of the model is missing or damaged.
        InputError: The backbone needs keras-hub, which is not installed.
    """
    description = read_description(folder)
    name, size = description["backbone"], description["image_size"]
    backbone = rebuild_backbone(name, size, _architecture(Path(folder), name))
    classifier = with_new_head(backbone, tuple(description["labels"]))
    weights = Path(folder, WEIGHTS)
    with reading(weights, "weights", RESTORE_VERSION):
        _joined_model(classifier).load_weights(weights)
    return classifier


def _architecture(folder: Path, name: str) -> Architecture | None:
    """Return the architecture of the backbone of an export; None for one that has a name only."""
    if not is_saved_network(name):
        return None
    path = folder / ARCHITECTURE
    with reading(path, "backbone", RESTORE_VERSION):
        values = read_json_object(path, "backbone", RESTORE_VERSION)
        architecture = Architecture.from_json(values)
    if needs_keras_hub(architecture.network):
        require_keras_hub(name)
    return architecture


def _joined_model(classifier: Classifier) -> keras.Model:
    """Return backbone and head as one model, whose weights are saved in one file."""
    backbone = classifier.backbone.model
    return keras.Model(backbone.input, classifier.head(backbone.output))


def _as_bytes(label: str) -> bytes:
    return label.encode("utf-8", "surrogateescape")
