"""A client of the gRPC API, with the official stubs of `tensorflow-serving-api`."""

from collections.abc import Iterable
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

#: Path of the method that fuzz tests send bytes to.
PREDICT = "/tensorflow.serving.PredictionService/Predict"


def predict_request(
    model: str,
    pictures: Any,
    version: int | None = None,
    signature: str = "",
    input_name: str = "image",
    output_filter: Iterable[str] = (),
    label: str = "",
) -> PredictRequest:
    """Return a request as the tutorials of TensorFlow Serving make it."""
    request = PredictRequest(output_filter=output_filter)
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    if label:
        request.model_spec.version_label = label
    request.inputs[input_name].CopyFrom(tf.make_tensor_proto(pictures))
    return request


class GrpcClient:
    """Client of one model at `host:port`; a context manager."""

    def __init__(self, address: str, model: str) -> None:
        """Connect with the first call."""
        self._channel = grpc.insecure_channel(address)
        self.model = model
        self.prediction = PredictionServiceStub(self._channel)
        self.models = ModelServiceStub(self._channel)

    def __enter__(self) -> "GrpcClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def predict(
        self,
        pictures: Any,
        timeout: float = 60,
        metadata: Iterable[tuple[str, str]] = (),
        **fields: Any,
    ) -> Any:
        """Call Predict."""
        request = predict_request(self.model, pictures, **fields)
        return self.prediction.Predict(request, timeout=timeout, metadata=tuple(metadata))

    def metadata(self, *fields: str, model: str | None = None) -> Any:
        """Call GetModelMetadata."""
        request = GetModelMetadataRequest(metadata_field=fields)
        request.model_spec.name = model or self.model
        return self.prediction.GetModelMetadata(request, timeout=60)

    def status(self, version: int | None = None, model: str | None = None) -> Any:
        """Call GetModelStatus."""
        request = GetModelStatusRequest()
        request.model_spec.name = model or self.model
        if version is not None:
            request.model_spec.version.value = version
        return self.models.GetModelStatus(request, timeout=60)

    def send(self, message: bytes) -> tuple[str, str]:
        """Send any bytes to Predict; return the name of the code, and the details."""
        try:
            self._channel.unary_unary(PREDICT)(message, timeout=60)
        except grpc.RpcError as error:
            return error.code().name, error.details()
        return "OK", ""
