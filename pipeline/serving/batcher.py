"""Batching of requests that arrive while the model is busy."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from pipeline.predicting.saved_model_classifier import Outputs
from pipeline.serving.protocol.request_errors import UnreadableInputError
from pipeline.serving.protocol.request_images import RequestImages


class CallableModel(Protocol):
    """One version of a model, as `ServedModel`."""

    def call(self, signature: str, instances: list[bytes]) -> Outputs:
        """Call a signature with one batch.

        Args:
            signature: Name of the signature.
            instances: Values of the signature's input.

        Returns:
            Outputs by name, each of shape [batch, ...].

        Raises:
            UnreadableInputError: An instance cannot be decoded.
        """
        ...


@dataclass(frozen=True, eq=False)
class _PendingRequest:
    model: CallableModel
    signature: str
    images: RequestImages
    outputs: "asyncio.Future[Outputs]"


class Batcher:
    """Calls models in a thread of its own, one batch at a time.

    A batch holds whole requests to one version and one signature, so that every response comes from
    one version. The signatures take any batch size in one graph: batches are neither padded nor
    traced again.
    """

    def __init__(
        self,
        max_instances: int,
        max_pixels: int,
        on_batch: Callable[[int], None] = lambda num_instances: None,
    ) -> None:
        """Create a batcher without requests.

        Args:
            max_instances: Most instances in a batch of several requests.
            max_pixels: Most pixels in a batch of several requests, which bounds its memory.
            on_batch: Function that is called with the number of instances of every batch.
        """
        self._max_instances, self._max_pixels = max_instances, max_pixels
        self._on_batch = on_batch
        self._queue: list[_PendingRequest] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._worker: asyncio.Task[None] | None = None

    async def call(self, model: CallableModel, signature: str, images: RequestImages) -> Outputs:
        """Call a signature with the instances of one request, batched with other requests.

        Args:
            model: Version to call.
            signature: Name of the signature.
            images: Instances of the request.

        Returns:
            Outputs of the request's own instances.

        Raises:
            UnreadableInputError: One of the request's own instances cannot be decoded.
            Exception: Any other error of the model.
        """
        outputs: asyncio.Future[Outputs] = asyncio.get_running_loop().create_future()
        self._queue.append(_PendingRequest(model, signature, images, outputs))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await outputs

    async def _work(self) -> None:
        try:
            while self._queue:
                await self._run(self._take_batch())
        finally:
            self._worker = None

    def _take_batch(self) -> list[_PendingRequest]:
        """Take the oldest request off the queue, and those that fit into one batch with it."""
        first, *others = self._queue
        batch, left = [first], []
        instances, pixels = len(first.images.instances), first.images.num_pixels
        for other in others:
            same_call = other.model is first.model and other.signature == first.signature
            new_instances = instances + len(other.images.instances)
            new_pixels = pixels + other.images.num_pixels
            fits = new_instances <= self._max_instances and new_pixels <= self._max_pixels
            if same_call and fits:
                batch.append(other)
                instances, pixels = new_instances, new_pixels
            else:
                left.append(other)
        self._queue = left
        return batch

    async def _run(self, batch: list[_PendingRequest]) -> None:
        instances = [instance for request in batch for instance in request.images.instances]
        self._on_batch(len(instances))
        loop = asyncio.get_running_loop()
        call = batch[0].model.call
        try:
            outputs = await loop.run_in_executor(self._thread, call, batch[0].signature, instances)
        except UnreadableInputError as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            for request in batch:  # so that only the request with the bad picture fails
                await self._run([request])
        except Exception as error:
            _fail(batch, error)
        else:
            _split_outputs(outputs, batch)


def _fail(batch: list[_PendingRequest], error: Exception) -> None:
    for request in batch:
        if not request.outputs.done():
            request.outputs.set_exception(error)


def _split_outputs(outputs: Outputs, batch: list[_PendingRequest]) -> None:
    start = 0
    for request in batch:
        end = start + len(request.images.instances)
        part = {name: column[start:end] for name, column in outputs.items()}
        if not request.outputs.done():  # it is done if the client has disconnected
            request.outputs.set_result(part)
        start = end
