"""Predict requests, from their body to the JSON of their response."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

from pipeline.serving.batcher import Batcher
from pipeline.serving.decoding.decoder_pool import run_to_end
from pipeline.serving.image_preparation import Decoders, ImagePreparation
from pipeline.serving.limits.memory_budget import MemoryBudget, RequestMemory
from pipeline.serving.processes.request_parser import RequestParser
from pipeline.serving.protocol.predict_request import (
    PredictRequest,
    memory_to_parse,
    parse_predict_request,
)
from pipeline.serving.protocol.predict_response import encode_predict_response
from pipeline.serving.protocol.request_images import RequestImages
from pipeline.serving.served_model import ServedModel
from pipeline.web.request_errors import RequestError, UnreadableInputError
from trainer_module.export.saved_model_classifier import Outputs

#: Most instances in one request.
MAX_INSTANCES = 128

#: Threads that parse requests and read the headers of their pictures.
NUM_THREADS = 4

#: Bodies of more bytes are parsed in another process: parsing holds Python's global lock, in which
#: no other request is served.
LARGE_BODY = 256 * 2**10

#: Bodies of fewer bytes are parsed at once: it takes less time than waiting for a thread.
SMALL_BODY = 64 * 2**10


class PredictService:
    """Parses requests, prepares their pictures and calls the model, within the memory's budget."""

    def __init__(self, batcher: Batcher, decoders: Decoders, budget: MemoryBudget) -> None:
        """Create a service.

        Args:
            batcher: Batcher that calls the model.
            decoders: Processes that decode pictures.
            budget: Memory of all requests.
        """
        self._batcher = batcher
        self._threads = ThreadPoolExecutor(NUM_THREADS, thread_name_prefix="request")
        self._parser = RequestParser(budget)
        self._preparation = ImagePreparation(decoders, self._threads)

    async def predict(self, model: ServedModel, body: bytearray, memory: RequestMemory) -> bytes:
        """Return the response to a request, as JSON.

        Args:
            model: Version to call.
            body: Body of the request; it is emptied, because its memory is used for the pictures.
            memory: Memory of the request, in which the body is counted.

        Raises:
            RequestError: The request is wrong, or there is no memory for it.
        """
        is_small = len(body) <= LARGE_BODY
        with self._batcher.expect_usual() if is_small else contextlib.nullcontext():
            request = await run_to_end(self._parse(model, body, memory))
            images = await self._preparation.prepare(request, memory)
        outputs = await self._call_model(model, request, images, memory)
        return encode_predict_response(outputs, request.row_format)

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
                request = await asyncio.get_running_loop().run_in_executor(
                    self._threads, parse_predict_request, *arguments
                )
            body.clear()
            return request

    async def _call_model(
        self,
        model: ServedModel,
        request: PredictRequest,
        images: RequestImages,
        memory: RequestMemory,
    ) -> Outputs:
        """Call the model; if it fails to decode a picture, once more with all decoded by Pillow."""
        try:
            return await self._batcher.call(model, request.signature, images)
        except UnreadableInputError:
            decoded = await self._preparation.prepare(request, memory, decode_all=True)
        try:
            return await self._batcher.call(model, request.signature, decoded)
        except UnreadableInputError as error:
            raise await self._find_bad_instance(model, request, decoded, str(error)) from None

    async def _find_bad_instance(
        self, model: ServedModel, request: PredictRequest, images: RequestImages, reason: str
    ) -> RequestError:
        """Return an error that names the bad instance, which TensorFlow's error does not."""
        for number, (instance, cost) in enumerate(zip(images.instances, images.costs, strict=True)):
            alone = RequestImages([instance], [cost])
            try:
                await self._batcher.call(model, request.signature, alone)
            except UnreadableInputError as error:
                return RequestError(400, f"instance {number}: {error}")
        return RequestError(400, f"the model rejected the request: {reason}")
