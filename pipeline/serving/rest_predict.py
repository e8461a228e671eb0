"""Predict requests of the REST API, from their body to the JSON of their response."""

from pipeline.serving.limits.memory_budget import MemoryBudget, RequestMemory
from pipeline.serving.predict_service import LARGE_REQUEST, PredictService
from pipeline.serving.processes.request_parser import RequestParser
from pipeline.serving.protocol.predict_request import (
    MAX_INSTANCES,
    PredictRequest,
    memory_to_parse,
    parse_predict_request,
)
from pipeline.serving.protocol.predict_response import encode_predict_response
from pipeline.serving.served_model import ServedModel

#: Bodies of more bytes are parsed in another process: parsing holds Python's global lock, in which
#: no other request is served.
LARGE_BODY = LARGE_REQUEST

#: Bodies of fewer bytes are parsed at once: it takes less time than waiting for a thread.
SMALL_BODY = 64 * 2**10


class RestPredict:
    """Parses bodies and writes responses, with a `PredictService` between them."""

    def __init__(self, service: PredictService, budget: MemoryBudget) -> None:
        """Start no process yet.

        Args:
            service: Service that calls the model.
            budget: Memory of all requests.
        """
        self._service = service
        self._parser = RequestParser(budget)

    async def predict(
        self,
        model: ServedModel,
        body: bytearray,
        memory: RequestMemory,
        domain: str | None = None,
    ) -> bytes:
        """Return the response to a request, as JSON.

        Args:
            model: Version to call.
            body: Body of the request; it is emptied, because its memory is used for the pictures.
            memory: Memory of the request, in which the body is counted.
            domain: Domain that the client names; None if it names none.

        Raises:
            RequestError: The request is wrong, or there is no memory for it.
        """
        parsing = self._parse(model, body, memory)
        request, outputs = await self._service.predict(model, parsing, memory, len(body), domain)
        return encode_predict_response(outputs, request.row_format)

    def start(self) -> None:
        """Begin to start the process that parses large requests, ahead of the first one."""
        self._parser.start()

    def stop(self) -> None:
        """End the process that parses large requests."""
        self._parser.stop()

    async def _parse(
        self, model: ServedModel, body: bytearray, memory: RequestMemory
    ) -> PredictRequest:
        if len(body) > LARGE_BODY:
            return await self._parser.parse(body, model.inputs, MAX_INSTANCES)
        async with memory.budget.work(memory_to_parse(body), "parsing the request"):
            arguments = body, model.inputs, MAX_INSTANCES
            if len(body) < SMALL_BODY:
                request = parse_predict_request(*arguments)
            else:
                request = await self._service.in_thread(parse_predict_request, *arguments)
            body.clear()
            return request
