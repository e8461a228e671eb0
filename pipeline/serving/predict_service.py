"""Predict requests, from their body to the JSON of their response."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from pipeline.predicting.saved_model_classifier import Outputs
from pipeline.serving.batcher import Batcher
from pipeline.serving.decoding.decoder_pool import run_to_end
from pipeline.serving.image_preparation import Decoders, ImagePreparation
from pipeline.serving.limits.memory_budget import RequestMemory
from pipeline.serving.protocol.predict_request import (
    PredictRequest,
    memory_to_parse,
    parse_predict_request,
)
from pipeline.serving.protocol.predict_response import encode_predict_response
from pipeline.serving.protocol.request_errors import RequestError, UnreadableInputError
from pipeline.serving.protocol.request_images import RequestImages
from pipeline.serving.served_model import ServedModel

#: Most instances in one request.
MAX_INSTANCES = 128

#: Threads that parse requests and read the headers of their pictures.
NUM_THREADS = 4

#: Bodies of more bytes are parsed one at a time: parsers hold Python's lock, up to a second each.
LARGE_BODY = 4 * 2**20


class PredictService:
    """Parses requests, prepares their pictures and calls the model, within the memory's budget."""

    def __init__(self, batcher: Batcher, decoders: Decoders) -> None:
        """Create a service.

        Args:
            batcher: Batcher that calls the model.
            decoders: Processes that decode pictures.
        """
        self._batcher = batcher
        self._threads = ThreadPoolExecutor(NUM_THREADS, thread_name_prefix="request")
        self._large_bodies = ThreadPoolExecutor(1, thread_name_prefix="large-request")
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
        request = await run_to_end(self._parse(model, body, memory))
        images = await self._preparation.prepare(request, memory)
        outputs = await self._call_model(model, request, images, memory)
        return encode_predict_response(outputs, request.row_format)

    async def _parse(
        self, model: ServedModel, body: bytearray, memory: RequestMemory
    ) -> PredictRequest:
        threads = self._large_bodies if len(body) > LARGE_BODY else self._threads
        async with memory.budget.work(memory_to_parse(body), "parsing the request"):
            request = await asyncio.get_running_loop().run_in_executor(
                threads, parse_predict_request, body, model.inputs, MAX_INSTANCES
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
