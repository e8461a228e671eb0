"""TensorFlow Serving's REST API of one model."""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pipeline.predicting.saved_model_classifier import Outputs
from pipeline.serving.batcher import Batcher
from pipeline.serving.loaded_versions import LoadedVersions
from pipeline.serving.protocol.model_status import metadata_response, status_response
from pipeline.serving.protocol.predict_request import PredictRequest, parse_predict_request
from pipeline.serving.protocol.predict_response import encode_predict_response
from pipeline.serving.protocol.request_errors import RequestError, UnreadableInputError
from pipeline.serving.protocol.request_images import RequestImages, prepare_images
from pipeline.serving.served_model import ServedModel

#: Largest body of a request, in bytes. TensorFlow Serving has no such limit and so no error for it;
#: HTTP's own status for it is 413.
MAX_BODY = 32 * 2**20

#: Most instances in one request, and in a batch of several requests.
MAX_INSTANCES = 128

#: Threads that parse requests and prepare their pictures. Each may take the memory of one large
#: picture.
NUM_THREADS = 4

_PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(/versions/(?P<version>[0-9]+))?"
    r"((?P<metadata>/metadata)|:(?P<verb>classify|regress|predict))?"
)

Result = TypeVar("Result")


@dataclass(frozen=True)
class RestApi:
    """ASGI app for all paths below /v1/.

    Attributes:
        name: Name of the model. Requests for other models get status 404.
        versions: Loaded versions of the model.
        batcher: Batcher that calls the model.
    """

    name: str
    versions: LoadedVersions[ServedModel]
    batcher: Batcher
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(NUM_THREADS))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, see the ASGI specification.

        Raises:
            RequestError: The request is wrong, with TensorFlow Serving's status and message.
        """
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        path, method = request.scope["path"], request.method
        match = _PATH.fullmatch(path)
        if not match or (method == "POST") != bool(match["verb"]) or method not in ("GET", "POST"):
            raise RequestError(400, f"Malformed request: {method} {path[:200]}")
        number = _parse_version(match["version"])
        if match["verb"] == "predict":
            return await self._predict(match["name"], number, await _read_body(request))
        if match["verb"]:
            method_name = f"tensorflow/serving/{match['verb']}"
            self._find_model(match["name"], number)
            raise RequestError(
                400,
                f"Expected signature method name {method_name}. Was: tensorflow/serving/predict",
            )
        if match["metadata"]:
            model = self._find_model(match["name"], number)
            return as_json(metadata_response(self.name, model.number, model.signatures))
        return self._status(match["name"], number)

    async def _predict(self, name: str, number: int | None, body: bytes) -> Response:
        model = self._find_model(name, number)
        request, images = await self._in_thread(lambda: _parse_request(body, model))
        outputs = await self._call_model(model, request, images)
        content = encode_predict_response(outputs, request.row_format)
        return Response(content, media_type="application/json")

    async def _call_model(
        self, model: ServedModel, request: PredictRequest, images: RequestImages
    ) -> Outputs:
        """Call the model; if it fails to decode a picture, once more with all decoded by Pillow."""
        try:
            return await self.batcher.call(model, request.signature, images)
        except UnreadableInputError:
            decoded = await self._in_thread(lambda: prepare_images(request, decode_all=True))
        try:
            return await self.batcher.call(model, request.signature, decoded)
        except UnreadableInputError as error:
            raise await self._find_bad_instance(model, request, decoded, str(error)) from None

    async def _find_bad_instance(
        self, model: ServedModel, request: PredictRequest, images: RequestImages, reason: str
    ) -> RequestError:
        """Return an error that names the bad instance, which TensorFlow's error does not."""
        for number, instance in enumerate(images.instances):
            alone = RequestImages([instance], images.num_pixels)
            try:
                await self.batcher.call(model, request.signature, alone)
            except UnreadableInputError as error:
                return RequestError(400, f"instance {number}: {error}")
        return RequestError(400, f"the model rejected the request: {reason}")

    async def _in_thread(self, function: Callable[[], Result]) -> Result:
        """Run a function in a thread, because it takes long enough to delay other requests."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)

    def _status(self, name: str, number: int | None) -> Response:
        states = self.versions.states() if name == self.name else {}
        if number is not None:
            states = {number: states[number]} if number in states else {}
        if not states:
            which = "any versions" if number is None else f"version {number}"
            raise RequestError(404, f"Could not find {which} of model {name}")
        return as_json(status_response(states))

    def _find_model(self, name: str, number: int | None) -> ServedModel:
        model = self.versions.get(number) if name == self.name else None
        if model is None:
            wanted = f"Latest({name})" if number is None else f"Specific({name}, {number})"
            raise RequestError(404, f"Servable not found for request: {wanted}")
        return model


def as_json(value: object, status: int = 200) -> Response:
    """Return a JSON response, indented like TensorFlow Serving's.

    Args:
        value: JSON value.
        status: HTTP status.
    """
    content = orjson.dumps(value, option=orjson.OPT_INDENT_2)
    return Response(content, status, media_type="application/json")


def _parse_request(body: bytes, model: ServedModel) -> tuple[PredictRequest, RequestImages]:
    request = parse_predict_request(body, model.inputs, MAX_INSTANCES)
    return request, prepare_images(request)


def _parse_version(text: str | None) -> int | None:
    if text is not None and (len(text) > 19 or int(text) >= 2**63):
        raise RequestError(400, f"Failed to convert version: {text[:80]} to numeric.")
    return None if text is None else int(text)


async def _read_body(request: Request) -> bytes:
    """Read the whole body, at most `MAX_BODY` of it."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise RequestError(413, f"the request is larger than {MAX_BODY} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
