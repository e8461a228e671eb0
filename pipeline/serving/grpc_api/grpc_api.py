"""TensorFlow Serving's gRPC API of one model: its methods, from message to message."""

from dataclasses import dataclass
from typing import Any

from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from pipeline.serving.grpc_api.proto_request import (
    COPIES,
    Message,
    ProtoPredictRequest,
    parse_message,
    read_predict_request,
)
from pipeline.serving.grpc_api.proto_response import (
    metadata_message,
    predict_response,
    status_message,
)
from pipeline.serving.limits.memory_budget import RequestMemory
from pipeline.serving.limits.open_requests import OpenRequests
from pipeline.serving.model_lookup import ModelLookup
from pipeline.serving.predict_service import PredictService
from pipeline.serving.protocol.predict_request import MAX_QUOTED
from pipeline.serving.served_model import ServedModel
from pipeline.web.request_errors import RequestError

#: The only field of the metadata that TensorFlow Serving knows.
SIGNATURE_DEF = "signature_def"

#: Messages of fewer bytes are parsed at once: it takes less time than waiting for a thread.
SMALL_MESSAGE = 256 * 2**10


@dataclass(frozen=True)
class GrpcApi:
    """Methods of PredictionService and ModelService.

    Every method takes a serialized message, the memory of the request, in which the message is
    counted, and the domain that the client names. It returns a serialized message.

    Attributes:
        lookup: Loaded versions of the model.
        service: Service that calls the model.
        open_requests: Count of the requests that wait for their predictions.
    """

    lookup: ModelLookup
    service: PredictService
    open_requests: OpenRequests

    async def predict(self, message: bytes, memory: RequestMemory, domain: str | None) -> bytes:
        """Respond to `PredictionService.Predict`.

        Raises:
            RequestError: The request is wrong, or there is no room for it.
        """
        with self.open_requests.count():
            parsed = await self._parse(message, PredictRequest, memory)
            name, number = self._read_spec(parsed)
            model = self.lookup.find_model(name, number)
            memory.keep(len(message))  # for the pictures, which are copies
            request, outputs = await self.service.predict(
                model, _read_request(parsed, model), memory, len(message), domain
            )
            names = request.output_names or outputs
            chosen = {output_name: outputs[output_name] for output_name in names}
            return predict_response(name, model.number, request.signature, chosen)

    async def get_model_metadata(
        self, message: bytes, memory: RequestMemory, domain: str | None
    ) -> bytes:
        """Respond to `PredictionService.GetModelMetadata`.

        Raises:
            RequestError: The request is wrong.
        """
        request = await self._parse(message, GetModelMetadataRequest, memory)
        name, number = self._read_spec(request)
        if not request.metadata_field:
            raise RequestError(
                400, "GetModelMetadataRequest must specify at least one metadata_field"
            )
        for field in request.metadata_field:
            if field != SIGNATURE_DEF:
                raise RequestError(400, f"Metadata field {field[:MAX_QUOTED]} is not supported")
        model = self.lookup.find_model(name, number)
        return metadata_message(name, model.number, model.signatures)

    async def get_model_status(
        self, message: bytes, memory: RequestMemory, domain: str | None
    ) -> bytes:
        """Respond to `ModelService.GetModelStatus`.

        Raises:
            RequestError: The request is wrong.
        """
        request = await self._parse(message, GetModelStatusRequest, memory)
        return status_message(self.lookup.find_states(*self._read_spec(request)))

    async def _parse(self, message: bytes, kind: type[Message], memory: RequestMemory) -> Message:
        async with memory.budget.work(len(message) * COPIES, "parsing the request"):
            if len(message) < SMALL_MESSAGE:
                return parse_message(message, kind)
            return await self.service.in_thread(parse_message, message, kind)

    def _read_spec(self, request: Any) -> tuple[str, int | None]:
        """Return the name of the model and the number of the version that a request is for."""
        if not request.HasField("model_spec"):
            raise RequestError(400, "Missing ModelSpec")
        spec = request.model_spec
        if not spec.name:
            raise RequestError(400, "ModelSpec has no name specified.")
        if spec.WhichOneof("version_choice") == "version_label":
            return spec.name, self.lookup.find_labelled(spec.version_label)
        return spec.name, spec.version.value if spec.HasField("version") else None


async def _read_request(parsed: Any, model: ServedModel) -> ProtoPredictRequest:
    return read_predict_request(parsed, model.inputs, model.signatures)
