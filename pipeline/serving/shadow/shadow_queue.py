"""Pictures that wait for the version in shadow, and the task that calls it."""

import asyncio
import hashlib
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.serving.batcher import Batcher, CallableModel
from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.serving.protocol.prediction_outputs import are_predictions
from pipeline.serving.protocol.request_images import RequestImages
from pipeline.serving.shadow.shadow_record import ShadowRecord
from pipeline.serving.task_end import end_task
from pipeline.web.request_errors import RequestError
from trainer_module.contract.example_features import ACCEPTED, CONFIDENCE, LABEL
from trainer_module.contract.printable_names import printable_name, shortened
from trainer_module.export.saved_model_classifier import Outputs, decode_text

#: Most pictures that wait: two full batches.
MAX_WAITING = 64

#: Share of the memory of all requests that they may take.
MEMORY_SHARE = 1 / 8

#: Confidence from which a prediction counts as confident, where the version does not say whether it
#: accepts it, or accepts none.
CONFIDENT = 0.9

#: How often a version may try a picture before it counts as failed, for good: memory may be short
#: for a moment.
ATTEMPTS = 3

#: Seconds between two of them.
RETRY_SECONDS = 1.0

#: Most characters of the error of a version that are kept.
MAX_ERROR = 300


@dataclass(frozen=True)
class _WaitingPicture:
    """A picture with the prediction that the client got.

    Attributes:
        record: Record of the shadow that it is for.
        model: Version in shadow.
        signature: Name of the signature.
        image: The instance, alone.
        digest: Digest of its bytes.
        domain: Domain that the client names; "" if it is not known.
        label: Class that the client got.
        is_confident: Whether the serving version is confident.
        has_high_confidence: Whether its confidence is at least `CONFIDENT`.
    """

    record: ShadowRecord
    model: CallableModel
    signature: str
    image: RequestImages
    digest: str
    domain: str
    label: str
    is_confident: bool
    has_high_confidence: bool

    @property
    def memory(self) -> int:
        """Bytes that it takes while it waits."""
        return len(self.image.instances[0])


class ShadowQueue:
    """Lets the version in shadow predict pictures one by one when no client waits.

    A picture for which there is no room is dropped. All methods are for the event loop.
    """

    def __init__(
        self,
        batcher: Batcher,
        budget: MemoryBudget,
        on_predicted: Callable[[ShadowRecord], None],
        on_failed: Callable[[ShadowRecord, str], None],
    ) -> None:
        """Let nothing wait yet.

        Args:
            batcher: Batcher that calls the models.
            budget: Memory of all requests, of which waiting pictures take a part.
            on_predicted: Function that is called when a picture was counted in its record.
            on_failed: Function that is called with the reason when the version cannot predict a
                picture.
        """
        self._batcher, self._budget = batcher, budget
        self._on_predicted, self._on_failed = on_predicted, on_failed
        self._waiting: deque[_WaitingPicture] = deque()
        self._memory = 0
        self._worker: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Return the number of waiting pictures."""
        return len(self._waiting)

    def add(
        self,
        record: ShadowRecord,
        model: CallableModel,
        signature: str,
        images: RequestImages,
        outputs: Outputs,
        domain: str,
        most: int,
    ) -> None:
        """Let pictures of a request wait, or drop them; not those that count already.

        Args:
            record: Record of the shadow.
            model: Version in shadow.
            signature: Name of the signature.
            images: Instances of the request.
            outputs: Predictions of the serving version for them.
            domain: Domain that the client names; "" if it is not known.
            most: Number of pictures that are wanted, at most.
        """
        rows = zip(images.instances, images.costs, outputs[LABEL], strict=True)
        for row, (instance, cost, label) in enumerate(rows):
            if most <= 0:
                return
            digest = _digest(instance)
            if record.is_repeated(digest):
                continue
            picture = _WaitingPicture(
                record,
                model,
                signature,
                RequestImages([instance], [cost]),
                digest,
                domain,
                printable_name(decode_text(label)),
                _is_confident(outputs, row),
                _has_high_confidence(outputs, row),
            )
            if self._try_to_add(picture):
                record.see(digest)
                most -= 1
            else:
                record.dropped += 1

    async def close(self) -> None:
        """Drop what waits, and call no version any more."""
        await end_task(self._worker)
        self._clear()  # it may have had no time to begin

    def _try_to_add(self, picture: _WaitingPicture) -> bool:
        if (
            len(self._waiting) >= MAX_WAITING
            or self._memory + picture.memory > self._budget.total * MEMORY_SHARE
            or not self._budget.keep(picture.memory)
        ):
            return False
        self._memory += picture.memory
        self._waiting.append(picture)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return True

    async def _work(self) -> None:
        try:
            while self._waiting:
                picture = self._waiting[0]  # it waits until it was predicted
                if not picture.record.outcome:
                    await self._predict(picture)
                self._free(self._waiting.popleft())
        finally:
            self._clear()
            self._worker = None

    def _clear(self) -> None:
        while self._waiting:
            picture = self._waiting.popleft()
            picture.record.forget(picture.digest)
            self._free(picture)

    def _free(self, picture: _WaitingPicture) -> None:
        self._memory -= picture.memory
        self._budget.keep(-picture.memory)

    async def _predict(self, picture: _WaitingPicture) -> None:
        """Count one picture in its record, whatever the version does."""
        record = picture.record
        for attempt in range(1, ATTEMPTS + 1):
            try:
                outputs = await self._batcher.call_in_shadow(
                    picture.model, picture.signature, picture.image
                )
                label = _predicted_class(outputs)
            except RequestError:  # there is no memory for it now
                record.dropped += 1
                record.forget(picture.digest)
                return
            except Exception as error:
                text = " ".join(str(error).split()) or type(error).__name__
                if record.outcome:  # another version may have replaced it meanwhile
                    return
                if attempt == ATTEMPTS:
                    self._on_failed(record, shortened(printable_name(text), MAX_ERROR))
                    return
                await asyncio.sleep(RETRY_SECONDS)
            else:
                break
        if not record.outcome:
            record.add(
                picture.domain,
                picture.label,
                label,
                picture.is_confident,
                picture.has_high_confidence,
            )
            self._on_predicted(record)


def _digest(instance: bytes) -> str:
    """Return what tells a picture from others, 12 digits: no two of 10,000 are likely the same."""
    return hashlib.blake2b(instance, digest_size=6).hexdigest()


def _predicted_class(outputs: Outputs) -> str:
    """Return the class that is predicted for the only picture.

    Raises:
        ValueError: The outputs are no prediction of a class.
    """
    if not are_predictions(outputs) or len(outputs[LABEL]) != 1:
        raise ValueError("its outputs are no prediction of a class")
    if not math.isfinite(outputs[CONFIDENCE][0]):
        raise ValueError("its confidence is not a number")
    return printable_name(decode_text(outputs[LABEL][0]))


def _is_confident(outputs: Outputs, row: int) -> bool:
    if ACCEPTED in outputs:
        return bool(outputs[ACCEPTED][row])
    return _has_high_confidence(outputs, row)


def _has_high_confidence(outputs: Outputs, row: int) -> bool:
    return bool(outputs[CONFIDENCE][row] >= CONFIDENT)
