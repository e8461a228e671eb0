"""Batching of requests that arrive while the model is busy."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

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


class BatchLimits(NamedTuple):
    """Most that one call of the model may hold, unless a single instance is more.

    Attributes:
        instances: Most instances; a version is called with as many before it serves.
        part_instances: Most instances in a part of a large request.
        pixels: Most pixels.
        scanned_pixels: Most pixels in all scans.
    """

    instances: int = 32
    pixels: int = 4_000_000
    scanned_pixels: int = 40_000_000
    part_instances: int = 4

    def of_part(self) -> "BatchLimits":
        """Return the limits of a part of a large request."""
        return self._replace(instances=min(self.instances, self.part_instances))

    def allow(self, costs: list[DecodingCost]) -> bool:
        """Return whether one call may hold pictures with these costs.

        Args:
            costs: Costs of the pictures.
        """
        if len(costs) > self.instances:  # without a sum: it is asked for every queued request
            return False
        total = DecodingCost.total(costs)
        return total.num_pixels <= self.pixels and total.scanned_pixels <= self.scanned_pixels


@dataclass(frozen=True, eq=False)
class _PendingRequest:
    model: CallableModel
    signature: str
    images: RequestImages
    outputs: "asyncio.Future[Outputs]"


class Batcher:
    """Calls models in two threads of its own, one for usual requests and one for large ones.

    A usual request fits into one call, alone or together with others to the same version and
    signature. A large one is called in small parts, and not joined with others: no usual request
    waits for its pictures to be decoded. A part begins after `IDLE_SECONDS` without a usual
    request, from its arrival to its outputs, because what runs at the same time shares the
    processors; or after the time of `MAX_PAUSE`. Every response comes from one version. The
    signatures take any batch size in one graph: batches are neither padded nor traced again.
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
        self._large = _Lane(budget, self._limits.of_part(), on_batch, self._usual)

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
        outputs: asyncio.Future[Outputs] = asyncio.get_running_loop().create_future()
        lane = self._usual if self._limits.allow(images.costs) else self._large
        request = _PendingRequest(model, signature, images, outputs)
        lane.add(request)
        try:
            return await outputs
        finally:
            lane.discard(request)


class _Lane:
    """A queue of requests, and the thread that they are called in."""

    def __init__(
        self,
        budget: MemoryBudget,
        limits: BatchLimits,
        on_batch: Callable[[int], None],
        preferred: "_Lane | None" = None,
    ) -> None:
        self._budget, self._limits, self._on_batch = budget, limits, on_batch
        self._preferred = preferred
        self._busy_until, self._part_seconds = -math.inf, 0.0
        self._num_expected = 0
        self._queue: list[_PendingRequest] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._worker: asyncio.Task[None] | None = None

    def add(self, request: _PendingRequest) -> None:
        self._queue.append(request)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())

    @contextlib.contextmanager
    def expect(self) -> Iterator[None]:
        """Be busy in the block, in which a request is prepared that may come to this lane."""
        self._num_expected += 1
        try:
            yield
        finally:
            self._busy_until = time.monotonic()
            self._num_expected -= 1

    def discard(self, request: _PendingRequest) -> None:
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
        """Wait until the preferred lane has been idle for some time, see `MAX_PAUSE`."""
        if self._preferred:
            end = time.monotonic() + MAX_PAUSE * self._part_seconds
            while time.monotonic() < min(end, self._preferred.busy_until + IDLE_SECONDS):
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
        for start, end in _parts(costs, self._limits):
            cost = DecodingCost.total(costs[start:end])
            await self._yield_to_preferred()
            async with self._budget.work(cost.memory, "decoding pictures"):
                self._on_batch(end - start)
                part, started = instances[start:end], time.monotonic()
                parts.append(await loop.run_in_executor(self._thread, model.call, signature, part))
                self._part_seconds = time.monotonic() - started
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _parts(costs: list[DecodingCost], limits: BatchLimits) -> Iterator[tuple[int, int]]:
    """Return start and end of the parts of a batch that may be called at a time."""
    start = 0
    for end in range(1, len(costs) + 1):
        if end == len(costs) or not limits.allow(costs[start : end + 1]):
            yield start, end
            start = end


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
