"""An exported SavedModel, loaded and called in batches of bounded size."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from trainer_module.contract import example_features
from trainer_module.contract.example_features import SERVING_DEFAULT
from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION, reading
from trainer_module.export.model_description import read_description

#: Most pictures that are sent through the model at once, and most pixels of the model's input. They
#: bound the memory of a call, on a GPU most of all. Below 257 px, there are always 64 pictures.
BATCH_SIZE, BATCH_PIXELS = 64, 64 * 256**2

#: Names of the variables of the head, see `trainer_module.classifier.build_head`.
KERNEL, BIAS = "logits/kernel", "logits/bias"

#: Outputs of a signature by name, each of shape [batch, ...]; strings are an object array of bytes.
Outputs: TypeAlias = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Predictions:
    """Predictions for a list of pictures, in the order of the list.

    Attributes:
        labels: Predicted classes, one per picture.
        confidences: Probabilities of the predicted classes, float32 [pictures].
        probabilities: Probabilities of all classes, float32 [pictures, classes].
        novelties: Novelty of the pictures, 0 to 1, float32 [pictures]; None if it is not known,
            because the model was exported without it or another signature was called.
        accepted: Whether the predictions are accepted, bool [pictures]; None if it is not known.
    """

    labels: list[str]
    confidences: npt.NDArray[np.float32]
    probabilities: npt.NDArray[np.float32]
    novelties: npt.NDArray[np.float32] | None = None
    accepted: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class _LinearHead:
    """Weights of the head of an export.

    Attributes:
        kernel: float32 [dim, classes].
        bias: float32 [classes].
        temperature: Number by which logits are divided before the softmax.
    """

    kernel: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    temperature: float


def pictures_per_batch(image_size: int) -> int:
    """Return the number of pictures that are sent through a model at once.

    Args:
        image_size: Height and width of the model's input, in pixels.
    """
    return max(1, min(BATCH_SIZE, BATCH_PIXELS // image_size**2))


class SavedModelClassifier:
    """A SavedModel with the signatures that the trainer exports.

    Pictures are given as encoded bytes that TensorFlow decodes (JPEG or PNG), see
    `components.image_example_gen.picture_reader.read_picture`.
    """

    def __init__(self, folder: Path) -> None:
        """Load a SavedModel, without calling it.

        Args:
            folder: Folder of the SavedModel, such as that of a serving version.

        Raises:
            UnavailableError: The folder holds no SavedModel, or a damaged one.
        """
        import tensorflow as tf

        self._folder = folder
        with reading(folder, "model", RESTORE_VERSION):
            self._loaded = tf.saved_model.load(str(folder))  # keeps variables and tables alive
        self._functions: dict[str, Any] = dict(self._loaded.signatures)

    @cached_property
    def labels(self) -> list[str]:
        """Class names in the order of the probabilities.

        Raises:
            OSError: The model has no description, so another program has exported it.
        """
        return list(read_description(str(self._folder))["labels"])

    @property
    def batch_size(self) -> int:
        """Number of pictures that are sent through the model at once."""
        return pictures_per_batch(self._image_size)

    @cached_property
    def _image_size(self) -> int:
        """Height and width of the input in pixels; 1 if another program has exported the model."""
        try:
            return int(read_description(str(self._folder)).get("image_size", 1))
        except FileNotFoundError:
            return 1

    @cached_property
    def inputs(self) -> dict[str, str]:
        """Name of the only input of every signature, by the signature's name.

        Raises:
            ValueError: A signature has several inputs.
        """
        return {name: _only_input(name, function) for name, function in self._functions.items()}

    def predict(self, images: list[bytes]) -> Predictions:
        """Classify pictures.

        Args:
            images: Encoded pictures, as many as memory holds.
        """
        return self._classify(SERVING_DEFAULT, images)

    def predict_examples(self, examples: list[bytes]) -> Predictions:
        """Classify the pictures of serialized tf.Examples.

        Args:
            examples: Serialized examples with the feature `image`.
        """
        return self._classify("serving_examples", examples)

    def embed(self, images: list[bytes]) -> npt.NDArray[np.float32]:
        """Return the pooled outputs of the backbone, float32 [pictures, dim].

        Args:
            images: Encoded pictures. For an empty list, the result has the shape [0, 0].
        """
        outputs = [self.call("embed", batch)["embedding"] for batch in self._batches(images)]
        return np.concatenate(outputs) if outputs else np.empty((0, 0), np.float32)

    def predict_and_embed(self, images: list[bytes]) -> tuple[Predictions, npt.NDArray[np.float32]]:
        """Return the results of `predict` and `embed`, with one pass of the backbone if possible.

        The head of an export of this trainer is linear, so it is computed from the embeddings.
        Probabilities may differ from those of `predict` in the last digits, and the novelty is not
        known.

        Args:
            images: Encoded pictures, as many as memory holds.
        """
        embeddings = self.embed(images)
        if self._head is None or not len(embeddings):
            return self.predict(images), embeddings
        logits = (embeddings @ self._head.kernel + self._head.bias) / self._head.temperature
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        labels = [self.labels[number] for number in logits.argmax(axis=1)]
        return Predictions(labels, probabilities.max(axis=1), probabilities), embeddings

    def call(self, signature: str, values: list[bytes]) -> Outputs:
        """Call a signature once, with all values in one batch.

        Args:
            signature: Name of a signature, one of `inputs`.
            values: Encoded pictures or serialized tf.Examples, whichever the signature takes.

        Raises:
            KeyError: The model has no such signature.
            tensorflow.errors.InvalidArgumentError: A value cannot be decoded.
        """
        import tensorflow as tf

        function = self._functions[signature]
        outputs = function(**{_only_input(signature, function): tf.constant(values)})
        return {name: tensor.numpy() for name, tensor in outputs.items()}

    @cached_property
    def _head(self) -> "_LinearHead | None":
        """Head of an export of this trainer; None for the model of another program."""
        variables = {
            variable.name.partition(":")[0]: variable
            for variable in self._functions[SERVING_DEFAULT].variables
        }
        if not variables.keys() >= {KERNEL, BIAS}:
            return None
        return _LinearHead(
            variables[KERNEL].numpy(),
            variables[BIAS].numpy(),
            read_description(str(self._folder))["temperature"],
        )

    def _classify(self, signature: str, values: list[bytes]) -> Predictions:
        batches = [self.call(signature, batch) for batch in self._batches(values)]
        if not batches:
            return Predictions([], np.empty(0, np.float32), np.empty((0, 0), np.float32))

        def joined(name: str) -> npt.NDArray[Any]:
            return np.concatenate([outputs[name] for outputs in batches])

        has_rule = example_features.NOVELTY in batches[0]
        return Predictions(
            [decode_text(label) for label in joined(example_features.LABEL)],
            joined(example_features.CONFIDENCE),
            joined(example_features.PROBABILITIES),
            joined(example_features.NOVELTY) if has_rule else None,
            joined(example_features.ACCEPTED) if has_rule else None,
        )

    def _batches(self, values: list[bytes]) -> Iterator[list[bytes]]:
        """Yield a list in parts of at most `batch_size`, in order."""
        for start in range(0, len(values), self.batch_size):
            yield values[start : start + self.batch_size]


def decode_text(value: bytes) -> str:
    """Decode a string of a model or of an example.

    Bytes that are not UTF-8 become surrogate escapes, so that no information is lost.
    """
    return value.decode("utf-8", "surrogateescape")


def _only_input(name: str, function: Any) -> str:
    inputs: dict[str, Any] = function.structured_input_signature[1]
    if len(inputs) != 1:
        raise ValueError(f"signature {name} has {len(inputs)} inputs, and only one is served")
    return next(iter(inputs))
