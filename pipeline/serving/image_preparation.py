"""Prepares the pictures of a request for the model, within limits."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from components.image_example_gen.picture_reader import UnusablePictureError, plain_pixels
from components.image_example_gen.pixels.decoding_limits import CostlyPictureError
from pipeline.serving.decoding.decoder_pool import MAX_PICTURE_PIXELS, run_to_end
from pipeline.serving.decoding.decoding_cost import DecodingCost
from pipeline.serving.decoding.simple_pictures import is_simple
from pipeline.serving.limits.memory_budget import RequestMemory
from pipeline.serving.protocol.predict_request import PredictRequest
from pipeline.serving.protocol.request_images import (
    RequestImages,
    extract_picture,
    replace_picture,
)
from pipeline.web.request_errors import RequestError
from trainer_module.contract import example_features

#: Most pixels of all pictures of a request.
MAX_REQUEST_PIXELS = 100_000_000

#: Most pixels in all scans of the pictures of a request: a few seconds of decoding.
MAX_REQUEST_SCANNED = 1_500_000_000

#: Bytes that the objects of a parsed tf.Example take per byte (measured: up to 17), and its copy.
EXAMPLE_COPIES = 25


Result = TypeVar("Result")


class Decoders(Protocol):
    """What decodes pictures outside the server's process, as `DecoderPool`."""

    async def prepare(self, content: bytes, rewrite: bool) -> tuple[bytes, int]:
        """See `DecoderPool.prepare`."""
        ...


class ImagePreparation:
    """Prepares pictures as ingestion and `carryover predict` do.

    The model then sees the same pixels as in training. (TensorFlow Serving leaves that to the
    client.) Only the headers are read here. Pictures that TensorFlow would decode differently are
    decoded in a process of their own, and encoded as PNG.
    """

    def __init__(self, decoders: Decoders, threads: ThreadPoolExecutor) -> None:
        """Create a preparation.

        Args:
            decoders: Processes that decode.
            threads: Threads that read the headers.
        """
        self._decoders, self._threads = decoders, threads

    async def prepare(
        self, request: PredictRequest, memory: RequestMemory, decode_all: bool = False
    ) -> RequestImages:
        """Prepare all pictures of a request.

        Args:
            request: Predict request.
            memory: Memory of the request.
            decode_all: Whether to decode every picture, because the model failed on one of them.

        Raises:
            RequestError: A picture is unusable, or the request has too many pixels: status 400,
                with the number of the instance. There is no memory: see `MemoryBudget`.
        """
        instances, costs = [], []
        for number, instance in enumerate(request.instances):
            try:
                prepared, cost = await self._prepare(
                    instance, request.input_name, memory, decode_all
                )
            except (UnusablePictureError, CostlyPictureError) as error:
                raise RequestError(400, f"instance {number}: {error}") from None
            instances.append(prepared)
            costs.append(cost)
            _check_total(number, DecodingCost.total(costs))
        return RequestImages(instances, costs)

    async def _prepare(
        self, instance: bytes, input_name: str, memory: RequestMemory, decode_all: bool
    ) -> tuple[bytes, DecodingCost]:
        """Return an instance for the model, and its cost."""
        picture, cost = await run_to_end(
            self._read_header(instance, input_name, memory, decode_all)
        )
        if picture is None:
            return instance, DecodingCost()
        if cost is None:
            prepared, num_pixels = await self._decoders.prepare(picture, decode_all)
            if prepared is not picture:
                memory.keep(len(prepared))
                instance = replace_picture(instance, input_name, prepared)
            cost = await self._in_thread(DecodingCost.of_picture, prepared, num_pixels)
        return instance, cost

    async def _read_header(
        self, instance: bytes, input_name: str, memory: RequestMemory, decode_all: bool
    ) -> tuple[bytes | None, DecodingCost | None]:
        """Return the picture of an instance, and its cost if it need not be decoded here."""

        def read() -> tuple[bytes | None, DecodingCost | None]:
            picture = extract_picture(instance, input_name)
            if picture is None or decode_all or not is_simple(picture):
                return picture, None
            num_pixels = plain_pixels(picture, MAX_PICTURE_PIXELS)
            if num_pixels is None:
                return picture, None
            return picture, DecodingCost.of_picture(picture, num_pixels)

        is_picture = input_name == example_features.IMAGE
        num_bytes = 0 if is_picture else len(instance) * EXAMPLE_COPIES
        async with memory.budget.work(num_bytes, "parsing a tf.Example"):
            return await self._in_thread(read)

    async def _in_thread(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function that may take milliseconds, which others would wait for."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


def _check_total(number: int, total: DecodingCost) -> None:
    if total.num_pixels > MAX_REQUEST_PIXELS:
        reason = f"too many pixels in one request, the limit is {MAX_REQUEST_PIXELS:,}"
    elif total.scanned_pixels > MAX_REQUEST_SCANNED:
        reason = (
            f"too many pixels in all scans of one request, the limit is {MAX_REQUEST_SCANNED:,}"
        )
    else:
        return
    raise RequestError(400, f"instance {number}: {reason}")
