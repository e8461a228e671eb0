"""One version of a model, loaded for serving."""

import contextlib
import logging
from pathlib import Path

from pipeline.web.request_errors import UnreadableInputError
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.example_features import SERVING_DEFAULT
from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION, reading
from trainer_module.export.saved_model_classifier import Outputs, SavedModelClassifier
from trainer_module.export.warmup_requests import make_warmup_requests, read_warmup_requests

_logger = logging.getLogger("carryover.serving")


class ServedModel:
    """A SavedModel with its metadata.

    Attributes:
        number: Number of the version.
        inputs: Name of the only input of every signature, by the signature's name.
        signatures: Value of `signature_def` in the metadata response, see `describe_signatures`.
        labels: Class names in the order of `probabilities`; None if the model does not name them.
    """

    def __init__(self, folder: Path, number: int) -> None:
        """Load a version, and call it as its warm-up requests say.

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
        self._warm_up(folder)

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
            _logger.info("%s does not name its classes", folder)
            return None

    def _warm_up(self, folder: Path) -> None:
        """Call the signatures, because TensorFlow needs up to seconds for the first call of one.

        A version without usable warm-up requests of its own gets those of today's exports.
        """
        try:
            requests = read_warmup_requests(folder)
        except UnavailableError as error:
            _logger.warning("%s", error)
            requests = []
        usable = [one for one in requests if self.inputs.get(one.signature) == one.input_name]
        for request in usable or make_warmup_requests(self.inputs):
            with contextlib.suppress(UnreadableInputError):  # it takes something else
                self.call(request.signature, request.values)
