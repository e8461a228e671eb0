"""Responses in Protocol Buffers, as TensorFlow Serving writes them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf.json_format import ParseDict
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse
from tensorflow_serving.apis.predict_pb2 import PredictResponse

from pipeline.serving.loaded_versions import VersionState
from pipeline.serving.protocol.model_status import status_response
from trainer_module.export.saved_model_classifier import Outputs

#: Field of a TensorProto with the values, by NumPy's kind and size of the type. Clients of
#: TensorFlow Serving read these fields, which it fills rather than `tensor_content`.
VALUE_FIELDS = {
    "O": "string_val",
    "f4": "float_val",
    "f8": "double_val",
    "i4": "int_val",
    "i8": "int64_val",
    "b1": "bool_val",
}


def predict_response(name: str, number: int, signature: str, outputs: Outputs) -> bytes:
    """Return a PredictResponse.

    Args:
        name: Name of the model.
        number: Number of the version.
        signature: Name of the signature.
        outputs: Outputs by name, each of shape [batch, ...].
    """
    response = PredictResponse()
    _name_model(response.model_spec, name, number)
    response.model_spec.signature_name = signature
    for output_name, values in outputs.items():
        response.outputs[output_name].CopyFrom(_tensor(values))
    return bytes(response.SerializeToString())


def metadata_message(name: str, number: int, signatures: Mapping[str, Any]) -> bytes:
    """Return a GetModelMetadataResponse.

    Args:
        name: Name of the model.
        number: Number of the version.
        signatures: Signatures of the version, see `describe_signatures`.
    """
    response = GetModelMetadataResponse()
    _name_model(response.model_spec, name, number)
    signature_map = ParseDict({"signature_def": dict(signatures)}, SignatureDefMap())
    response.metadata["signature_def"].Pack(signature_map)
    return bytes(response.SerializeToString())


def status_message(states: Mapping[int, VersionState]) -> bytes:
    """Return a GetModelStatusResponse.

    Args:
        states: States of the versions, by number.
    """
    response = ParseDict(status_response(states), GetModelStatusResponse())
    return bytes(response.SerializeToString())


def _name_model(spec: Any, name: str, number: int) -> None:
    spec.name = name
    spec.version.value = number


def _tensor(values: npt.NDArray[Any]) -> TensorProto:
    import tensorflow as tf

    kind = values.dtype.str.lstrip("<>|=") if values.dtype != object else "O"
    if kind not in VALUE_FIELDS:
        return tf.make_tensor_proto(values)
    dtype = tf.string if kind == "O" else tf.as_dtype(values.dtype)
    tensor = TensorProto(
        dtype=dtype.as_datatype_enum,
        tensor_shape=tf.TensorShape(values.shape).as_proto(),
    )
    getattr(tensor, VALUE_FIELDS[kind]).extend(np.ravel(values).tolist())
    return tensor
