"""Batching of requests that arrive while the model is busy."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pipeline.serving.batch_limits import BatchLimits
from pipeline.serving.decoding.decoding_cost import DecodingCost
from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.serving.protocol.request_images import RequestImages
from pipeline.web.request_errors import UnreadableInputError
from trainer_module.export.saved_model_classifier import Outputs

#: Seconds without a usual request before a part of a large request begins.
IDLE_SECONDS = 0.1

#: How long a part waits for that at most, in durations of the part before it: under steady load,
#: large requests get a quarter of the time.
MAX_PAUSE = 3.0

#: The same for a picture that a version predicts in shadow: under steady load, those get a
#: twentieth of the time.
SHADOW_PAUSE = 19.0


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
    """Calls models in threads of its own: for usual requests, for large ones, and for a shadow.

    A usual request fits into one call, alone or together with others to the same version and
    signature. A large one is called in small parts, and not joined with others: no usual request
    waits for its pictures to be decoded. A part begins after `IDLE_SECONDS` without a usual
    request, from its arrival to its outputs, because what runs at the same time shares the
    processors; or after the time of `MAX_PAUSE`. What a version predicts in shadow waits likewise
    for both, up to `SHADOW_PAUSE`. Every response comes from one version. The signatures take any
    batch size in one graph: batches are neither padded nor traced again.
    """

    def __init__(
        self,
        budget: MemoryBudget,
        limits: BatchLimits | None = None,
        on_batch: Callable[[int], None] = lambda num_instances: None,
    ) -> None:
        """Create a batcher without requests.

        Args:
            budget: Memory of all requests, from which that of a call is taken while it runs.
            limits: Most that one call may hold; None for the usual limits.
            on_batch: Function that is called with the number of instances of every call.
        """
        self._limits = limits or BatchLimits()
        self._usual = _Lane(budget, self._limits, on_batch)
        self._large = _Lane(budget, self._limits.of_part(), on_batch, [self._usual])
        preferred = [self._usual, self._large]
        self._shadow = _Lane(budget, self._limits.of_part(), None, preferred, SHADOW_PAUSE)

    @contextlib.contextmanager
    def expect_usual(self) -> Iterator[None]:
        """Let parts of large requests wait for a usual request that is still being prepared."""
        with self._usual.expect():
            yield

    async def call(self, model: CallableModel, signature: str, images: RequestImages) -> Outputs:
        """Call a signature with the instances of one request.

        Args:
            model: Version to call.
            signature: Name of the signature.
            images: Instances of the request.

        Returns:
            Outputs of the request's own instances.

        Raises:
            UnreadableInputError: One of the request's own instances cannot be decoded.
            RequestError: There is no memory to decode the request's pictures.
            Exception: Any other error of the model.
        """
        lane = self._usual if self._limits.allow(images.costs) else self._large
        return await lane.call(model, signature, images)

    async def call_in_shadow(
        self, model: CallableModel, signature: str, images: RequestImages
    ) -> Outputs:
        """Call a signature when no client waits, or now and then if one always does.

        Args:
            model: Version in shadow.
            signature: Name of the signature.
            images: Instances, as few as possible: a request that comes meanwhile shares the
                processors with them.

        Returns:
            Outputs for the instances.

        Raises:
            RequestError: There is no memory to decode the pictures.
            Exception: Any error of the model.
        """
        return await self._shadow.call(model, signature, images)


class _Lane:
    """A queue of requests, and the thread that they are called in."""

    def __init__(
        self,
        budget: MemoryBudget,
        limits: BatchLimits,
        on_batch: Callable[[int], None] | None,
        preferred: Sequence["_Lane"] = (),
        max_pause: float = MAX_PAUSE,
    ) -> None:
        self._budget, self._limits, self._on_batch = budget, limits, on_batch
        self._preferred, self._max_pause = preferred, max_pause
        self._busy_until, self._part_seconds = -math.inf, 0.0
        self._num_expected = 0
        self._queue: list[_PendingRequest] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._worker: asyncio.Task[None] | None = None

    async def call(self, model: CallableModel, signature: str, images: RequestImages) -> Outputs:
        """Queue a request, and return its outputs."""
        outputs: asyncio.Future[Outputs] = asyncio.get_running_loop().create_future()
        request = _PendingRequest(model, signature, images, outputs)
        self._queue.append(request)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        try:
            return await outputs
        finally:
            self._discard(request)

    @contextlib.contextmanager
    def expect(self) -> Iterator[None]:
        """Be busy in the block, in which a request is prepared that may come to this lane."""
        self._num_expected += 1
        try:
            yield
        finally:
            self._busy_until = time.monotonic()
            self._num_expected -= 1

    def _discard(self, request: _PendingRequest) -> None:
        """Take a request off the queue, if it is still there: its client has disconnected."""
        if request in self._queue:
            self._queue.remove(request)

    async def _work(self) -> None:
        try:
            while self._queue:
                await self._run(self._take_batch())
        finally:
            self._worker = None
            self._busy_until = time.monotonic()

    async def _yield_to_preferred(self) -> None:
        """Wait until the preferred lanes have been idle for some time, see `MAX_PAUSE`."""
        end = time.monotonic() + self._max_pause * self._part_seconds
        for lane in self._preferred:
            while time.monotonic() < min(end, lane.busy_until + IDLE_SECONDS):
                await asyncio.sleep(IDLE_SECONDS / 4)

    @property
    def busy_until(self) -> float:
        """Time at which the lane had a request last, in seconds of `time.monotonic`."""
        if self._worker is not None or self._num_expected:
            self._busy_until = time.monotonic()
        return self._busy_until

    def _take_batch(self) -> list[_PendingRequest]:
        """Take the oldest request off the queue, and those that fit into one batch with it."""
        first, *others = self._queue
        batch, left, costs = [first], [], first.images.costs
        for other in others:
            same_call = other.model is first.model and other.signature == first.signature
            if same_call and self._limits.allow(costs + other.images.costs):
                batch.append(other)
                costs = costs + other.images.costs
            else:
                left.append(other)
        self._queue = left
        return batch

    async def _run(self, batch: list[_PendingRequest]) -> None:
        batch = [request for request in batch if not request.outputs.done()]  # disconnected
        if not batch:
            return
        try:
            outputs = await self._call(batch)
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

    async def _call(self, batch: list[_PendingRequest]) -> Outputs:
        """Call the model with all instances, in as many calls as the limits ask for."""
        loop, model, signature = asyncio.get_running_loop(), batch[0].model, batch[0].signature
        instances = [instance for request in batch for instance in request.images.instances]
        costs = [cost for request in batch for cost in request.images.costs]
        parts = []
        for start, end in self._limits.parts(costs):
            cost = DecodingCost.total(costs[start:end])
            await self._yield_to_preferred()
            async with self._budget.work(cost.memory, "decoding pictures"):
                if self._on_batch is not None:
                    self._on_batch(end - start)
                part, started = instances[start:end], time.monotonic()
                parts.append(await loop.run_in_executor(self._thread, model.call, signature, part))
                self._part_seconds = time.monotonic() - started
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


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
