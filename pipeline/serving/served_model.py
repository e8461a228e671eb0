"""One version of a model in memory."""

import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.serving.protocol.predict_request import DEFAULT_SIGNATURE
from pipeline.serving.protocol.request_errors import RefusedError
from trainer_module.contract import example_features

#: Batch sizes that a version is called with before it serves: what TensorFlow prepares per shape is
#: ready by then.
WARM_UP = (1, 2, 4, 8, 16, 32)


class ServedModel:
    """A SavedModel and what is known of it.

    Attributes:
        number: of the version.
        inputs: signature -> name of its only input.
        signatures: the metadata document's `signature_def`, see `documents`.
        labels: class names in the order of `probabilities`; None where the model does not say.
    """

    def __init__(self, folder: Path, number: int) -> None:
        """Load a version and call it once per batch size.

        Args:
            folder: of the SavedModel.
            number: of the version.

        Raises:
            Exception: whatever TensorFlow raises where the model cannot be loaded or called.
        """
        import tensorflow as tf
        from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

        from pipeline.serving.protocol.model_status import describe_signatures

        self.number = number
        self.labels = _read_labels(folder)
        saved = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
        self.signatures = describe_signatures(saved.meta_graphs[0].signature_def)
        self._loaded = tf.saved_model.load(str(folder))  # keeps variables and tables alive
        self._functions: dict[str, Any] = dict(self._loaded.signatures)
        if DEFAULT_SIGNATURE not in self._functions:
            raise ValueError(f"the model has no signature {DEFAULT_SIGNATURE}")
        self.inputs = {name: _only_input(name, made) for name, made in self._functions.items()}
        self._warm_up()

    def call(self, signature: str, values: list[bytes]) -> dict[str, np.ndarray]:
        """Outputs by name, each of shape [batch, ...].

        Args:
            signature: one of `inputs`.
            values: encoded pictures or serialized tf.Examples.

        Raises:
            RefusedError: something in `values` cannot be read.
        """
        import tensorflow as tf

        try:
            given = {self.inputs[signature]: tf.constant(values)}
            outputs = self._functions[signature](**given)
            return {name: tensor.numpy() for name, tensor in outputs.items()}
        except tf.errors.InvalidArgumentError as error:
            raise RefusedError(str(error.message).splitlines()[0]) from None
        except UnicodeDecodeError:  # TensorFlow's message quotes bytes of what it was given
            raise RefusedError("it is not what the signature takes") from None

    def _warm_up(self) -> None:
        if self.inputs[DEFAULT_SIGNATURE] != example_features.IMAGE:
            return
        file = io.BytesIO()
        Image.new("RGB", (8, 8)).save(file, format="PNG")
        for size in WARM_UP:
            self.call(DEFAULT_SIGNATURE, [file.getvalue()] * size)


def _only_input(name: str, function: Any) -> str:
    inputs = function.structured_input_signature[1]
    if len(inputs) != 1:
        raise ValueError(f"signature {name} has {len(inputs)} inputs, and only one is served")
    return next(iter(inputs))


def _read_labels(folder: Path) -> list[str] | None:
    from trainer_module.export.saved_model import read_description

    try:
        return list(read_description(str(folder))["labels"])
    except OSError:
        logging.getLogger("carryover.serving").info("%s does not name its classes", folder)
        return None
