"""Requests that a model server replays before those of clients, in TensorFlow Serving's format.

TensorFlow needs up to seconds for the first call of a signature. TensorFlow Serving replays the
requests of a version while it loads it, see "SavedModel Warmup" in its documentation.
"""

import io
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from trainer_module.contract import example_features
from trainer_module.contract.example_features import SERVING_DEFAULT
from trainer_module.contract.model_assets import WARMUP_REQUESTS
from trainer_module.contract.tfrecord_frames import DamagedRecordError, read_records
from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION, reading

#: Numbers of pictures in the requests for `serving_default`, so that TensorFlow has prepared what
#: it needs per shape. The other signatures get one request, with the first number.
BATCH_SIZES = (1, 2, 4, 8, 16, 32)

#: Most requests that TensorFlow Serving takes.
MAX_REQUESTS = 1000


class WarmupRequest(NamedTuple):
    """A predict request with one input.

    Attributes:
        signature: Name of the signature.
        input_name: Name of its input.
        values: Encoded pictures or serialized tf.Examples.
    """

    signature: str
    input_name: str
    values: list[bytes]


def make_warmup_requests(inputs: Mapping[str, str]) -> Iterator[WarmupRequest]:
    """Yield the requests for signatures of an export, with generated pictures.

    Args:
        inputs: Name of the only input of every signature, by the signature's name.
    """
    pictures = _pictures()
    for signature, input_name in inputs.items():
        values = pictures
        if input_name != example_features.IMAGE:
            values = [_example(picture) for picture in pictures]
        for size in BATCH_SIZES if signature == SERVING_DEFAULT else BATCH_SIZES[:1]:
            yield WarmupRequest(signature, input_name, (values * size)[:size])


def write_warmup_requests(folder: Path, inputs: Mapping[str, str]) -> None:
    """Write the requests into the folder of an export. The same signatures give the same file.

    Args:
        folder: Folder of the SavedModel.
        inputs: See `make_warmup_requests`.
    """
    import tensorflow as tf
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    with tf.io.TFRecordWriter(str(folder / WARMUP_REQUESTS)) as writer:
        for signature, input_name, values in make_warmup_requests(inputs):
            log = PredictionLog()
            request = log.predict_log.request
            request.model_spec.signature_name = signature
            request.inputs[input_name].CopyFrom(tf.make_tensor_proto(values))
            writer.write(log.SerializeToString(deterministic=True))


def read_warmup_requests(folder: Path) -> list[WarmupRequest]:
    """Return the requests of a SavedModel that have one input of strings.

    Args:
        folder: Folder of the SavedModel. One without requests gives none.

    Raises:
        UnavailableError: The file is damaged.
    """
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    path = folder / WARMUP_REQUESTS
    if not path.exists():
        return []
    requests = []
    # A TFRecordDataset would be eager, and that starts every GPU.
    with reading(path, "file of warm-up requests", RESTORE_VERSION), path.open("rb") as file:
        for record in itertools.islice(read_records(file), MAX_REQUESTS):
            if isinstance(record, DamagedRecordError):
                raise record
            requests.append(_parse(PredictionLog.FromString(record).predict_log.request))
    return [request for request in requests if request]


def _parse(request: Any) -> WarmupRequest | None:
    """Return the content of a PredictRequest; None if it has several inputs, or one of numbers."""
    import tensorflow as tf

    if len(request.inputs) != 1:
        return None
    [(name, tensor)] = request.inputs.items()
    values = tf.make_ndarray(tensor)
    if values.dtype != object:
        return None
    signature = request.model_spec.signature_name or SERVING_DEFAULT
    return WarmupRequest(signature, name, values.ravel().tolist())


def _pictures() -> list[bytes]:
    """Return a grey gradient in each of the formats that TensorFlow decodes."""
    picture = Image.linear_gradient("L").convert("RGB")
    pictures = []
    for form in ("JPEG", "PNG"):
        file = io.BytesIO()
        picture.save(file, format=form)
        pictures.append(file.getvalue())
    return pictures


def _example(picture: bytes) -> bytes:
    from tensorflow.core.example.example_pb2 import Example

    example = Example()
    feature = example.features.feature
    feature[example_features.IMAGE].bytes_list.value.append(picture)
    feature[example_features.LABEL].bytes_list.value.append(b"")
    return bytes(example.SerializeToString(deterministic=True))
