"""SavedModels of a few bytes whose answers can be worked out by hand, and examples for them."""

import json
from collections.abc import Iterable
from pathlib import Path

import tensorflow as tf
from tiny_pictures import solid

from trainer_module.contract import example_features
from trainer_module.contract.model_assets import DESCRIPTION
from trainer_module.export.warmup_requests import write_warmup_requests

#: Label -> the colour channel that speaks for it.
CHANNELS = {"red": 0, "green": 1, "blue": 2}
LABELS = tuple(CHANNELS)


class ColourModel(tf.Module):
    """The probability of a label is the share of its channel in a picture's first pixel."""

    def __init__(self, labels: tuple[str, ...] = LABELS, factor: float = 1.0) -> None:
        """Make a model.

        Args:
            labels: that it knows, in the order of its ids.
            factor: on every probability; anything but 1 breaks the model.
        """
        super().__init__()
        self.labels = list(labels)
        self._labels = tf.constant(labels)
        self._channels = tf.constant([CHANNELS[label] for label in labels])
        self._factor = factor
        self._ids = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                self._labels, tf.range(len(labels), dtype=tf.int64)
            ),
            default_value=-1,
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image")])
    def classify(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `serving_default` of an export."""
        colours = tf.gather(self._first_pixels(image), self._channels, axis=1)
        probabilities = self._factor * colours / tf.reduce_sum(colours, axis=1, keepdims=True)
        return {
            "label": tf.gather(self._labels, tf.argmax(probabilities, axis=1)),
            "confidence": tf.reduce_max(probabilities, axis=1),
            "probabilities": probabilities,
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image")])
    def embed(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `embed` of an export."""
        return {"embedding": self._first_pixels(image)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def classify_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `serving_examples` of an export."""
        return self.classify(_feature(examples, example_features.IMAGE))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def label_ids(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `label_id` of an export."""
        return {"label_id": self._ids.lookup(_feature(examples, example_features.LABEL))}

    @staticmethod
    def _first_pixels(image: tf.Tensor) -> tf.Tensor:
        def first(encoded: tf.Tensor) -> tf.Tensor:
            pixels = tf.io.decode_image(encoded, channels=3, expand_animations=False)
            return tf.cast(tf.ensure_shape(pixels, [None, None, 3])[0, 0], tf.float32)

        return tf.map_fn(first, image, fn_output_signature=tf.TensorSpec([3], tf.float32))


def save_model(
    folder: Path, model: ColourModel, without: str = "", with_warmup: bool = True
) -> Path:
    """Export a model with the four signatures of the trainer's exports, or without one of them."""
    signatures = {
        "serving_default": model.classify,
        "serving_examples": model.classify_examples,
        "embed": model.embed,
        "label_id": model.label_ids,
    }
    signatures.pop(without, None)
    tf.saved_model.save(model, str(folder), signatures=signatures)
    description = folder / DESCRIPTION
    description.parent.mkdir(exist_ok=True)
    if with_warmup:
        write_warmup_requests(folder, {"serving_default": "image", "serving_examples": "examples"})
    description.write_text(json.dumps({"labels": model.labels}))
    return folder


def _feature(examples: tf.Tensor, name: str) -> tf.Tensor:
    spec = {name: tf.io.FixedLenFeature([], tf.string)}
    return tf.io.parse_example(examples, spec)[name]


def example(
    domain: str, label: str, colour: tuple[int, int, int], image_id: bytes = b"picture.png"
) -> bytes:
    """A serialized tf.Example of a picture of one colour."""
    values = {
        example_features.IMAGE_ID: image_id,
        example_features.IMAGE: solid(colour),
        example_features.DOMAIN: domain.encode(),
        example_features.LABEL: label.encode(),
    }
    made = tf.train.Example()
    for name, value in values.items():
        made.features.feature[name].bytes_list.value.append(value)
    return made.SerializeToString()


def write_shard(folder: Path, examples: Iterable[bytes]) -> str:
    """Write examples the way ingestion does; returns the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = str(folder / "data_tfrecord-00000-of-00001")
    with tf.io.TFRecordWriter(path) as writer:
        for serialized in examples:
            writer.write(serialized)
    return path
