"""TensorFlow Serving's REST API of one model."""

import re
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pipeline.serving.limits.body_pace import BodyPace
from pipeline.serving.limits.memory_budget import MemoryBudget, RequestMemory
from pipeline.serving.limits.open_requests import OpenRequests
from pipeline.serving.limits.request_body import read_body
from pipeline.serving.model_lookup import ModelLookup
from pipeline.serving.protocol.model_status import metadata_response, status_response
from pipeline.serving.rest_predict import RestPredict
from pipeline.serving.sampling.client_domain import DOMAIN_HEADER, read_client_domain
from pipeline.web.json_response import PART_BYTES, JsonResponse, as_json
from pipeline.web.request_errors import RequestError

_PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
    r"((?P<metadata>/metadata)|:(?P<verb>classify|regress|predict))?"
)


@dataclass(frozen=True)
class RestApi:
    """ASGI app for all paths below /v1/.

    Attributes:
        lookup: Loaded versions of the model.
        predictions: Responds to predict requests.
        budget: Memory of all requests.
        open_requests: Count of the requests that wait for their predictions.
        pace: Pace at which large bodies are read.
    """

    lookup: ModelLookup
    predictions: RestPredict
    budget: MemoryBudget
    open_requests: OpenRequests
    pace: BodyPace = field(default_factory=BodyPace)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, see the ASGI specification.

        Raises:
            RequestError: The request is wrong, with TensorFlow Serving's status and message.
        """
        response = await self._respond(Request(scope, receive))
        with RequestMemory(self.budget) as memory:
            if len(response.body) > PART_BYTES:  # a smaller one is handed over at once
                memory.keep(len(response.body))
            await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        path, method = request.scope["path"], request.method
        match = _PATH.fullmatch(path)
        if not match or (method == "POST") != bool(match["verb"]) or method not in ("GET", "POST"):
            raise RequestError(400, f"Malformed request: {method} {path[:200]}")
        number = _parse_version(match["version"])
        if match["label"]:
            number = self.lookup.find_labelled(match["label"])
        if match["verb"] == "predict":
            return await self._predict(match["name"], number, request)
        if match["verb"]:
            method_name = f"tensorflow/serving/{match['verb']}"
            self.lookup.find_model(match["name"], number)
            raise RequestError(
                400,
                f"Expected signature method name {method_name}. Was: tensorflow/serving/predict",
            )
        if match["metadata"]:
            model = self.lookup.find_model(match["name"], number)
            return as_json(metadata_response(match["name"], model.number, model.signatures))
        return as_json(status_response(self.lookup.find_states(match["name"], number)))

    async def _predict(self, name: str, number: int | None, request: Request) -> Response:
        self.open_requests.check()
        header = request.headers.getlist(DOMAIN_HEADER)
        domain = read_client_domain([value.encode("latin-1") for value in header])
        with RequestMemory(self.budget) as memory:
            body = await read_body(request, memory, self.pace)
            with self.open_requests.count():
                model = self.lookup.find_model(name, number)
                return JsonResponse(await self.predictions.predict(model, body, memory, domain))


def _parse_version(text: str | None) -> int | None:
    if text is not None and (len(text) > 19 or int(text) >= 2**63):
        raise RequestError(400, f"Failed to convert version: {text[:80]} to numeric.")
    return None if text is None else int(text)
