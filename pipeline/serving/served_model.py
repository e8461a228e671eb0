"""One version of a model, loaded for serving."""

import contextlib
import io
import logging
from pathlib import Path

from PIL import Image

from pipeline.serving.protocol.request_images import replace_picture
from pipeline.web.request_errors import UnreadableInputError
from trainer_module.contract import example_features
from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION, reading
from trainer_module.export.saved_model_classifier import (
    SERVING_DEFAULT,
    Outputs,
    SavedModelClassifier,
)

#: Batch sizes that a version is called with before it serves, so that TensorFlow has prepared what
#: it needs per shape. Signatures other than `serving_default` are called with the first one.
WARM_UP_BATCH_SIZES = (1, 2, 4, 8, 16, 32)


class ServedModel:
    """A SavedModel with its metadata.

    Attributes:
        number: Number of the version.
        inputs: Name of the only input of every signature, by the signature's name.
        signatures: Value of `signature_def` in the metadata response, see `describe_signatures`.
        labels: Class names in the order of `probabilities`; None if the model does not name them.
    """

    def __init__(self, folder: Path, number: int) -> None:
        """Load a version, and call it once per batch size.

        Args:
            folder: Folder of the SavedModel.
            number: Number of the version.

        Raises:
            UnavailableError: The SavedModel is missing or damaged.
            Exception: Any other error of TensorFlow: the model cannot be loaded or called.
        """
        from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

        from pipeline.serving.protocol.model_status import describe_signatures

        self.number = number
        with reading(folder / "saved_model.pb", "model", RESTORE_VERSION):
            graphs = SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs
            if not graphs:  # the format takes an empty file for a model without a graph
                raise ValueError("it holds no graph")
        self.signatures = describe_signatures(graphs[0].signature_def)
        self._classifier = SavedModelClassifier(folder)
        self.inputs = self._classifier.inputs
        self.labels = self._read_labels(folder)
        if SERVING_DEFAULT not in self.inputs:
            raise ValueError(f"the model has no signature {SERVING_DEFAULT}")
        self._warm_up()

    def call(self, signature: str, instances: list[bytes]) -> Outputs:
        """Call a signature once, with all instances in one batch.

        Args:
            signature: Name of a signature, one of `inputs`.
            instances: Encoded pictures or serialized tf.Examples.

        Returns:
            Outputs by name, each of shape [batch, ...].

        Raises:
            UnreadableInputError: An instance cannot be decoded.
        """
        import tensorflow as tf

        try:
            return self._classifier.call(signature, instances)
        except tf.errors.InvalidArgumentError as error:
            raise UnreadableInputError(str(error.message).splitlines()[0]) from None
        except UnicodeDecodeError:  # TensorFlow's message quotes bytes of its input
            raise UnreadableInputError("it is not what the signature takes") from None

    def _read_labels(self, folder: Path) -> list[str] | None:
        try:
            return self._classifier.labels
        except OSError:
            logging.getLogger("carryover.serving").info("%s does not name its classes", folder)
            return None

    def _warm_up(self) -> None:
        """Call all signatures, because TensorFlow needs up to seconds for the first call of one."""
        if self.inputs[SERVING_DEFAULT] != example_features.IMAGE:
            return
        file = io.BytesIO()
        Image.new("RGB", (8, 8)).save(file, format="PNG")
        for signature, input_name in self.inputs.items():
            instance = replace_picture(b"", input_name, file.getvalue())
            is_default = signature == SERVING_DEFAULT
            for size in WARM_UP_BATCH_SIZES if is_default else WARM_UP_BATCH_SIZES[:1]:
                with contextlib.suppress(UnreadableInputError):  # it takes something else
                    self.call(signature, [instance] * size)
