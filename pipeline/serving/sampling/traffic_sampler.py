"""Chooses pictures of predict requests, and writes them while other requests are served."""

import asyncio
import contextlib
import logging
import math
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.serving.protocol.predict_request import PredictRequest
from pipeline.serving.protocol.prediction_outputs import are_predictions
from pipeline.serving.protocol.request_images import extract_picture
from pipeline.serving.server_metrics import ServerMetrics
from pipeline.traffic.traffic_record import TrafficRecord
from pipeline.traffic.traffic_store import TrafficWriter
from trainer_module.contract.example_features import ACCEPTED, CONFIDENCE, LABEL, NOVELTY
from trainer_module.export.saved_model_classifier import Outputs, decode_text

#: Longest time that a picture waits until it is written, apart from the time of the write.
FLUSH_SECONDS = 0.5

#: Bytes of waiting pictures that are written without waiting any longer.
FLUSH_BYTES = 2**20

#: Bytes that a picture takes until it is written, per byte: itself, its tf.Example, and the copy of
#: one of them while it is serialized.
COPIES = 4

#: Share of the memory of all requests that waiting pictures may take.
MEMORY_SHARE = 1 / 8

#: Seconds after which writing is tried again if it has failed: the disk may have been full.
RETRY_SECONDS = 60.0

_logger = logging.getLogger("carryover.serving")


@dataclass(frozen=True)
class _SampledPicture:
    """A picture that waits to be written.

    Attributes:
        record: Record to write, still with an instance of the request as its picture.
        input_name: Name of the input that the instance is for.
    """

    record: TrafficRecord
    input_name: str

    @property
    def memory(self) -> int:
        """Bytes that it takes until it is written."""
        return len(self.record.image) * COPIES

    def as_record(self) -> TrafficRecord | None:
        """Return the record with the picture; None if the instance has none."""
        picture = extract_picture(self.record.image, self.input_name)
        return None if picture is None else replace(self.record, image=picture)


class TrafficSampler:
    """Keeps a share of the pictures that versions have predicted the class of.

    No request waits for it: a picture for which there is no memory is dropped and counted. All
    methods are called in one event loop; a thread of its own writes.
    """

    def __init__(
        self,
        writer: TrafficWriter,
        model: str,
        rate: float,
        domain: str,
        budget: MemoryBudget,
        metrics: ServerMetrics,
    ) -> None:
        """Keep nothing yet.

        Args:
            writer: Writer of the files.
            model: Name of the model that predicts.
            rate: Share of the pictures to keep, 0 to 1.
            domain: Domain of clients that name none.
            budget: Memory of all requests, of which waiting pictures take a part.
            metrics: Metrics of the server.
        """
        self._writer, self._model, self._rate, self._domain = writer, model, rate, domain
        self._budget, self._metrics = budget, metrics
        self._queue: list[_SampledPicture] = []
        self._memory = 0
        self._flush_now = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="traffic")
        self._paused_until = -math.inf
        self._is_closing = False

    def sample(
        self, version: int, request: PredictRequest, outputs: Outputs, domain: str | None
    ) -> None:
        """Keep some of the pictures of a request that has its predictions.

        Args:
            version: Number of the version that has predicted.
            request: The request. Its instances are as the client sent them.
            outputs: Outputs of the version, of which those without classes are no predictions.
            domain: Domain that the client names; None if it names none.
        """
        if not are_predictions(outputs):
            return
        now, domain = time.time(), self._domain if domain is None else domain
        for row, instance in enumerate(request.instances):
            if random.random() < self._rate:  # noqa: S311 - it is no secret which ones are kept
                record = _record(now, domain, self._model, version, instance, outputs, row)
                self._add(_SampledPicture(record, request.input_name))

    async def close(self) -> None:
        """Write what waits, without waiting any longer."""
        self._is_closing = True
        self._flush_now.set()
        if self._worker is not None:
            await self._worker
        self._thread.shutdown()
        self._writer.close()

    def _add(self, picture: _SampledPicture) -> None:
        if (
            self._memory + picture.memory > self._budget.total * MEMORY_SHARE
            or time.monotonic() < self._paused_until
            or not self._budget.keep(picture.memory)
        ):
            self._metrics.count_sampled(num_kept=0, num_dropped=1)
            return
        self._queue.append(picture)
        self._memory += picture.memory
        if self._memory >= FLUSH_BYTES * COPIES:
            self._flush_now.set()
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while self._queue:
            if not self._is_closing:
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._flush_now.wait(), FLUSH_SECONDS)
            self._flush_now.clear()
            batch, self._queue = self._queue, []
            await self._write(batch)
            memory = sum(picture.memory for picture in batch)
            self._budget.keep(-memory)
            self._memory -= memory
        self._worker = None

    async def _write(self, batch: list[_SampledPicture]) -> None:
        """Write pictures in the thread; if that fails, tell it once and write none for a while."""
        loop, num_kept = asyncio.get_running_loop(), 0
        is_failing = self._paused_until > -math.inf
        try:
            num_kept = await loop.run_in_executor(self._thread, self._write_records, batch)
        except Exception as error:  # whatever it is, requests are served
            self._paused_until = time.monotonic() + RETRY_SECONDS
            if not is_failing:
                _logger.warning(
                    "pictures of requests are not kept: %s. This is tried again every minute; "
                    "requests are served all the same",
                    error,
                )
        else:
            self._paused_until = -math.inf
            if is_failing:
                _logger.info("pictures of requests are kept again")
        self._metrics.count_sampled(num_kept, len(batch) - num_kept)

    def _write_records(self, batch: list[_SampledPicture]) -> int:
        records = [picture.as_record() for picture in batch]
        return self._writer.write([record for record in records if record is not None])


def _record(
    now: float,
    domain: str,
    model: str,
    version: int,
    instance: bytes,
    outputs: Outputs,
    row: int,
) -> TrafficRecord:
    return TrafficRecord(
        now,
        domain,
        version,
        instance,
        decode_text(outputs[LABEL][row]),
        float(outputs[CONFIDENCE][row]),
        novelty=float(outputs[NOVELTY][row]) if NOVELTY in outputs else None,
        accepted=bool(outputs[ACCEPTED][row]) if ACCEPTED in outputs else None,
        model=model,
    )
