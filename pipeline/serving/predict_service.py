"""Predict requests of REST and of gRPC, from their bytes to the outputs of the model."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from pipeline.serving.batcher import Batcher
from pipeline.serving.decoding.decoder_pool import run_to_end
from pipeline.serving.image_preparation import Decoders, ImagePreparation
from pipeline.serving.limits.memory_budget import RequestMemory
from pipeline.serving.protocol.predict_request import PredictRequest
from pipeline.serving.protocol.request_images import RequestImages
from pipeline.serving.sampling.traffic_sampler import TrafficSampler
from pipeline.serving.served_model import ServedModel
from pipeline.serving.shadow.shadow_serving import ShadowServing
from pipeline.web.request_errors import RequestError, UnreadableInputError
from trainer_module.export.saved_model_classifier import Outputs

#: Threads that parse requests and read the headers of their pictures.
NUM_THREADS = 4

#: Requests of more bytes are large: parts of other large requests do not wait for them.
LARGE_REQUEST = 256 * 2**10

Request = TypeVar("Request", bound=PredictRequest)
Result = TypeVar("Result")


class PredictService:
    """Prepares the pictures of requests and calls the model, within the memory's budget."""

    def __init__(
        self,
        batcher: Batcher,
        decoders: Decoders,
        sampler: TrafficSampler | None = None,
        shadow: ShadowServing | None = None,
    ) -> None:
        """Create a service.

        Args:
            batcher: Batcher that calls the model.
            decoders: Processes that decode pictures.
            sampler: Sampler that keeps a share of the pictures; None to keep none.
            shadow: What a version in shadow predicts the same pictures for; None without.
        """
        self._batcher, self._sampler, self._shadow = batcher, sampler, shadow
        self._threads = ThreadPoolExecutor(NUM_THREADS, thread_name_prefix="request")
        self._preparation = ImagePreparation(decoders, self._threads)

    async def predict(
        self,
        model: ServedModel,
        parsing: Coroutine[Any, Any, Request],
        memory: RequestMemory,
        num_bytes: int,
        domain: str | None = None,
    ) -> tuple[Request, Outputs]:
        """Return a request and the model's outputs for it.

        Args:
            model: Version to call.
            parsing: Parses the request.
            memory: Memory of the request, in which its bytes are counted.
            num_bytes: Bytes of the request.
            domain: Domain that the client names; None if it names none.

        Raises:
            RequestError: The request is wrong, or there is no memory for it.
        """
        is_small = num_bytes <= LARGE_REQUEST
        with self._batcher.expect_usual() if is_small else contextlib.nullcontext():
            request = await run_to_end(parsing)
            images = await self._preparation.prepare(request, memory)
        outputs, images = await self._call_model(model, request, images, memory)
        if self._sampler:
            self._sampler.sample(model.number, request, outputs, domain)
        if self._shadow:
            self._shadow.mirror(model, request.signature, images, outputs, domain)
        return request, outputs

    async def in_thread(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function that may take milliseconds, which others would wait for.

        Args:
            function: Function to call.
            arguments: Its arguments.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def _call_model(
        self,
        model: ServedModel,
        request: PredictRequest,
        images: RequestImages,
        memory: RequestMemory,
    ) -> tuple[Outputs, RequestImages]:
        """Return the outputs, and the pictures that the model got.

        If it fails to decode a picture, it is called once more with all decoded by Pillow.
        """
        try:
            return await self._batcher.call(model, request.signature, images), images
        except UnreadableInputError:
            decoded = await self._preparation.prepare(request, memory, decode_all=True)
        try:
            return await self._batcher.call(model, request.signature, decoded), decoded
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
