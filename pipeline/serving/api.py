"""TensorFlow Serving's REST interface of one model."""

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

from pipeline.serving.batching import Batcher, Outputs
from pipeline.serving.loaded_versions import Versions
from pipeline.serving.protocol.model_status import metadata_document, status_document
from pipeline.serving.protocol.predict_request import Question, read_question
from pipeline.serving.protocol.predict_response import write_answer
from pipeline.serving.protocol.request_errors import RefusedError, RequestError
from pipeline.serving.protocol.request_images import Contents, prepare_contents
from pipeline.serving.served_model import ServedModel

#: Of a request, in bytes. TensorFlow Serving has no such limit, and so no answer of its own to
#: more: ours is 413, which HTTP has for this.
MAX_BODY = 32 * 2**20

#: In a request, and in a call that several requests share.
MAX_INSTANCES = 128

_PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(/versions/(?P<version>[0-9]+))?"
    r"((?P<metadata>/metadata)|:(?P<verb>classify|regress|predict))?"
)


#: Requests whose pictures are looked at side by side; each may take the memory of a large picture.
WORKERS = 4

Result = TypeVar("Result")


@dataclass(frozen=True)
class Api:
    """Answers everything below /v1/.

    Attributes:
        name: of the model; there is no other.
        versions: that are loaded.
        batcher: through which they are called.
    """

    name: str
    versions: Versions[ServedModel]
    batcher: Batcher
    _workers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(WORKERS))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Any request, as ASGI has it."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        """The response to a request.

        Raises:
            RequestError: with the status and in the words that TensorFlow Serving has for it.
        """
        path, method = request.scope["path"], request.method
        found = _PATH.fullmatch(path)
        if not found or (method == "POST") != bool(found["verb"]) or method not in ("GET", "POST"):
            raise RequestError(400, f"Malformed request: {method} {path[:200]}")
        number = _version(found["version"])
        if found["verb"] == "predict":
            return await self._predict(found["name"], number, await _body(request))
        if found["verb"]:
            method_name = f"tensorflow/serving/{found['verb']}"
            self._model(found["name"], number)
            raise RequestError(
                400,
                f"Expected signature method name {method_name}. Was: tensorflow/serving/predict",
            )
        if found["metadata"]:
            model = self._model(found["name"], number)
            return as_json(metadata_document(self.name, model.number, model.signatures))
        return self._status(found["name"], number)

    async def _predict(self, name: str, number: int | None, body: bytes) -> Response:
        model = self._model(name, number)
        question, contents = await self._work(lambda: _understand(body, model))
        outputs = await self._ask(model, question, contents)
        content = write_answer(outputs, question.rows)
        return Response(content, media_type="application/json")

    async def _ask(self, model: ServedModel, question: Question, contents: Contents) -> Outputs:
        try:
            return await self.batcher.ask(model, question.signature, contents)
        except RefusedError:
            decoded = await self._work(lambda: prepare_contents(question, doubted=True))
        try:
            return await self.batcher.ask(model, question.signature, decoded)
        except RefusedError as error:
            raise await self._blamed(model, question, decoded, str(error)) from None

    async def _blamed(
        self, model: ServedModel, question: Question, contents: Contents, reason: str
    ) -> RequestError:
        """Names the instance that the model refuses, which TensorFlow does not."""
        for number, value in enumerate(contents.values):
            alone = Contents([value], contents.pixels)
            try:
                await self.batcher.ask(model, question.signature, alone)
            except RefusedError as error:
                return RequestError(400, f"instance {number}: {error}")
        return RequestError(400, f"the model refused the request: {reason}")

    async def _work(self, function: Callable[[], Result]) -> Result:
        """What a function returns that would hold up other requests."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, function)

    def _status(self, name: str, number: int | None) -> Response:
        states = self.versions.states() if name == self.name else {}
        if number is not None:
            states = {number: states[number]} if number in states else {}
        if not states:
            which = "any versions" if number is None else f"version {number}"
            raise RequestError(404, f"Could not find {which} of model {name}")
        return as_json(status_document(states))

    def _model(self, name: str, number: int | None) -> ServedModel:
        model = self.versions.get(number) if name == self.name else None
        if model is None:
            wanted = f"Latest({name})" if number is None else f"Specific({name}, {number})"
            raise RequestError(404, f"Servable not found for request: {wanted}")
        return model


def as_json(value: object, status: int = 200) -> Response:
    """A response, indented as TensorFlow Serving's are."""
    content = orjson.dumps(value, option=orjson.OPT_INDENT_2)
    return Response(content, status, media_type="application/json")


def _understand(body: bytes, model: ServedModel) -> tuple[Question, Contents]:
    question = read_question(body, model.inputs, MAX_INSTANCES)
    return question, prepare_contents(question)


def _version(text: str | None) -> int | None:
    if text is not None and (len(text) > 19 or int(text) >= 2**63):
        raise RequestError(400, f"Failed to convert version: {text[:80]} to numeric.")
    return None if text is None else int(text)


async def _body(request: Request) -> bytes:
    """The whole body; what is too large is not kept."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise RequestError(413, f"the request is larger than {MAX_BODY} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
