"""Decoder processes of a server, and the memory that they take."""

import asyncio
import io
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from PIL import Image

from components.image_example_gen.picture_reader import UnusablePictureError
from pipeline.serving.decoding.decoder_process import DecoderProcess
from pipeline.serving.decoding.decoder_program import (
    BYTES_PER_PIXEL,
    Reply,
    Status,
    memory_for,
)
from pipeline.serving.limits.memory_budget import WAIT_SECONDS, MemoryBudget
from pipeline.web.request_errors import RequestError

#: Most pixels of a picture that is sent to the server. The largest of today's phones and cameras
#: but a few have 50 megapixels; a data set may have pictures of twice as many.
MAX_PICTURE_PIXELS = 52_000_000

#: Most pixels of pictures that do not wait for larger ones: a phone's usual pictures.
SMALL_PIXELS = 16_000_000

Result = TypeVar("Result")


@dataclass
class _Decoder:
    """A process, and the lock of the request that uses it."""

    process: DecoderProcess = field(default_factory=DecoderProcess)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class DecoderPool:
    """Two decoder processes: one for small pictures, and one for large ones."""

    def __init__(self, budget: MemoryBudget) -> None:
        """Start no process yet.

        Args:
            budget: Memory of all requests.
        """
        self._budget = budget
        self._small, self._large = _Decoder(), _Decoder()

    def start(self) -> None:
        """Begin to start the process for small pictures, and let it decode a first one."""
        file = io.BytesIO()
        Image.linear_gradient("L").save(file, format="WEBP")
        process = self._small.process
        process.thread.submit(process.prepare, file.getvalue(), SMALL_PIXELS, rewrite=False)

    def max_pixels(self, num_bytes: int) -> int:
        """Return the most pixels of a picture: `MAX_PICTURE_PIXELS`, or what fits into the memory.

        Args:
            num_bytes: Size of the file.
        """
        largest = (self._budget.max_work - memory_for(0, num_bytes)) // BYTES_PER_PIXEL
        return max(0, min(MAX_PICTURE_PIXELS, largest))

    async def prepare(self, content: bytes, rewrite: bool) -> tuple[bytes, int]:
        """Return what the model gets for a file, and its number of pixels, see `servable_picture`.

        Args:
            content: Bytes of a file.
            rewrite: Whether to decode it, whatever its header says.

        Raises:
            UnusablePictureError: The picture is unusable, or costs too much to decode.
            RequestError: The decoders or their memory are in use, status 503.
        """
        most = self.max_pixels(len(content))
        reply = await run_to_end(self._run(self._small, content, rewrite, min(SMALL_PIXELS, most)))
        if reply.status is Status.TOO_LARGE and most > SMALL_PIXELS:
            reply = await run_to_end(self._run(self._large, content, rewrite, most))
        if reply.status is Status.AS_IT_IS:
            return content, reply.num_pixels
        if reply.status is Status.PREPARED:
            return reply.content, reply.num_pixels
        reason = reply.content.decode() or f"too many pixels: the limit is {most:,}"
        raise UnusablePictureError(reason)

    async def _run(
        self, decoder: "_Decoder", content: bytes, rewrite: bool, max_pixels: int
    ) -> Reply:
        try:
            await asyncio.wait_for(decoder.lock.acquire(), WAIT_SECONDS)
        except asyncio.TimeoutError:
            raise RequestError(503, "the decoders are busy: try again") from None
        try:
            needed = memory_for(max_pixels, len(content))
            async with self._budget.work(needed, "decoding a picture"):
                process = decoder.process
                return await asyncio.get_running_loop().run_in_executor(
                    process.thread, process.prepare, content, max_pixels, rewrite
                )
        finally:
            decoder.lock.release()

    def stop(self) -> None:
        """End the processes."""
        for decoder in (self._small, self._large):
            decoder.process.stop()


async def run_to_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Wait for a piece of work that is not cancelled with its caller, as threads cannot be.

    Args:
        work: Coroutine that holds memory while a thread works.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return await asyncio.shield(task)
