"""Joins requests that arrive while the model is busy into one call."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pipeline.serving.protocol.request_errors import RefusedError
from pipeline.serving.protocol.request_images import Contents

Outputs = dict[str, np.ndarray]


class Answering(Protocol):
    """One version of a model."""

    def call(self, signature: str, values: list[bytes]) -> Outputs:
        """Outputs by name, each of shape [batch, ...].

        Raises:
            RefusedError: something in `values` cannot be read.
        """
        ...


@dataclass(frozen=True, eq=False)
class _Waiting:
    model: Answering
    signature: str
    contents: Contents
    outputs: "asyncio.Future[Outputs]"


class Batcher:
    """Calls models one call at a time, in a thread of its own.

    A request is never split, and only requests to the same version and signature are joined: each
    is answered by one whole version. The signatures take any batch size in one graph, so nothing is
    padded and nothing is traced again.
    """

    def __init__(
        self, max_values: int, max_pixels: int, observe: Callable[[int], None] = lambda size: None
    ) -> None:
        """Make an idle batcher.

        Args:
            max_values: in a joined call.
            max_pixels: in a joined call, which bounds its memory.
            observe: told the number of values of every call.
        """
        self._max_values, self._max_pixels = max_values, max_pixels
        self._observe = observe
        self._queue: list[_Waiting] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._worker: asyncio.Task[None] | None = None

    async def ask(self, model: Answering, signature: str, contents: Contents) -> Outputs:
        """What a model answers to the values of one request.

        Raises:
            RefusedError: something in the request's own values cannot be read.
            Exception: what the model raised.
        """
        future: asyncio.Future[Outputs] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(model, signature, contents, future))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        try:
            while self._queue:
                await self._answer(self._take())
        finally:
            self._worker = None

    def _take(self) -> list[_Waiting]:
        """The request that waits longest, and those that fit into one call with it."""
        first, *others = self._queue
        batch, left = [first], []
        values, pixels = len(first.contents.values), first.contents.pixels
        for other in others:
            same = other.model is first.model and other.signature == first.signature
            more = values + len(other.contents.values), pixels + other.contents.pixels
            if same and more[0] <= self._max_values and more[1] <= self._max_pixels:
                batch.append(other)
                values, pixels = more
            else:
                left.append(other)
        self._queue = left
        return batch

    async def _answer(self, batch: list[_Waiting]) -> None:
        values = [value for waiting in batch for value in waiting.contents.values]
        self._observe(len(values))
        loop = asyncio.get_running_loop()
        call = batch[0].model.call
        try:
            outputs = await loop.run_in_executor(self._thread, call, batch[0].signature, values)
        except RefusedError as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            for waiting in batch:  # only the one with the bad picture is refused
                await self._answer([waiting])
        except Exception as error:
            _fail(batch, error)
        else:
            _share_out(outputs, batch)


def _fail(batch: list[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.outputs.done():
            waiting.outputs.set_exception(error)


def _share_out(outputs: Outputs, batch: list[_Waiting]) -> None:
    start = 0
    for waiting in batch:
        end = start + len(waiting.contents.values)
        part = {name: column[start:end] for name, column in outputs.items()}
        if not waiting.outputs.done():  # else the client is gone
            waiting.outputs.set_result(part)
        start = end
