"""Keeps a new version in shadow until it has predicted enough pictures as the serving one does."""

import asyncio
import logging
import os
from datetime import datetime, timezone
from typing import Any

from components.pusher.promoted_version import shadow_file
from components.pusher.version_store import VersionStore
from pipeline.serving.batcher import Batcher
from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.serving.loaded_versions import LoadedVersions
from pipeline.serving.protocol.prediction_outputs import are_predictions
from pipeline.serving.protocol.request_images import RequestImages
from pipeline.serving.served_model import ServedModel
from pipeline.serving.shadow.shadow_notices import ShadowNotices
from pipeline.serving.shadow.shadow_options import ShadowOptions
from pipeline.serving.shadow.shadow_queue import ShadowQueue
from pipeline.serving.shadow.shadow_record import Outcome, ShadowRecord
from pipeline.serving.shadow.shadow_report import (
    ADVICE,
    count_missing,
    decide,
    describe_classes,
    describe_counts,
    describe_shadow,
    describe_start,
)
from pipeline.serving.shadow.shadow_state import ShadowState
from pipeline.serving.shadow.shared_state import SharedState
from trainer_module.export.saved_model_classifier import Outputs

_logger = logging.getLogger("carryover.serving")


class ShadowServing:
    """The shadow of one model, from the arrival of a version until it serves.

    `follow` is called after every update of the versions, and all methods in one event loop.
    """

    def __init__(
        self,
        store: VersionStore,
        versions: LoadedVersions[ServedModel],
        state: ShadowState,
        options: ShadowOptions,
        batcher: Batcher,
        budget: MemoryBudget,
    ) -> None:
        """Go on with what is known from an earlier server.

        Args:
            store: Versions of the model.
            versions: The loaded ones, of which those after `state.promoted` are in shadow.
            state: State of the shadow; it is changed.
            options: Options of the server.
            batcher: Batcher that calls the models.
            budget: Memory of all requests.
        """
        self._store, self._versions, self._state, self._options = store, versions, state, options
        self._file = SharedState(shadow_file(store), state)
        self._notices = ShadowNotices(store.name, options.command)
        self._queue = ShadowQueue(batcher, budget, self._judge, self._fail)
        self._last_resort = ""
        self._doubtful: ShadowRecord | None = None  # what has met too few confident predictions
        record = state.shadow
        if record and record.outcome == "over_limit" and decide(record, options) != "over_limit":
            record.outcome, record.ended, record.reason = "", "", ""  # the limit is another one now
        is_going_on = record is not None and not record.outcome
        _logger.info("%s", describe_start(record if is_going_on else None, options))

    def describe(self) -> dict[str, Any] | None:
        """Return what the page tells of it, as a JSON object; None if there was no shadow."""
        return describe_shadow(self._state.shadow, self._options)

    def mirror(
        self,
        model: ServedModel,
        signature: str,
        images: RequestImages,
        outputs: Outputs,
        domain: str | None,
    ) -> None:
        """Let the version in shadow predict the pictures of a request later, if there is one.

        Args:
            model: Version that has responded to the request.
            signature: Name of the signature that the request is for.
            images: Pictures of the request, as that version got them.
            outputs: Outputs of that version.
            domain: Domain that the client names; None if it names none.
        """
        record = self._state.shadow
        if record is None or record.outcome or model.number != record.serving:
            return
        shadow = self._versions.get(record.version)
        if shadow is None or not are_predictions(outputs):
            return
        most = count_missing(record, self._options) - len(self._queue)
        self._queue.add(record, shadow, signature, images, outputs, domain or "", most)

    async def follow(self) -> None:
        """Begin and end shadows as versions come and go, and write the state if it has changed."""
        other = await asyncio.to_thread(self._file.read_change)
        if other is not None:
            self._merge(other)
        rolled_back = await asyncio.to_thread(self._find_rolled_back)
        self._follow_versions(rolled_back)
        await self._file.save(self._state)

    async def close(self) -> None:
        """Compare no more pictures, and write the state."""
        await self._queue.close()
        await self._file.save(self._state)
        await self._notices.close()

    def _merge(self, other: ShadowState) -> None:
        """Take over what another server has decided; one in which the version failed is right."""
        record, theirs = self._state.shadow, other.shadow
        is_same = record is not None and theirs is not None and record.is_of_same_models(theirs)
        if record and theirs and is_same and "failed" in (record.outcome, theirs.outcome):
            if record.outcome == theirs.outcome:
                return
            if record.outcome == "failed":
                self._file.forget_saved()  # the other one has not read it
                return
            self._state.promote(record.serving, _now())
            self._end(record, "failed", theirs.reason)
        elif other.promoted is not None and other.promoted > (
            self._state.promoted or other.promoted
        ):
            reason = "another server of the workspace has taken it over"
            self._take_over(other.promoted, reason, other.promoted_at)

    def _find_rolled_back(self) -> int | None:
        """Return the promoted version if it was rolled back, so that an earlier one serves."""
        serving, promoted = self._versions.serving(), self._state.promoted
        if serving is None or promoted is None or serving >= promoted:
            return None
        kept = self._store.rolled_back / str(promoted)
        is_gone = os.path.exists(kept) and not os.path.exists(self._store.path(promoted))  # noqa: PTH110
        return promoted if is_gone else None

    def _follow_versions(self, rolled_back: int | None) -> None:
        serving, number = self._versions.serving(), self._versions.shadow()
        if serving is None:
            return
        if rolled_back is not None and serving < rolled_back == self._state.promoted:
            self._state.promote(serving, _now())
            _logger.info(
                "version %d was rolled back, and version %d serves. If it is put back, it is first "
                "in shadow",
                rolled_back,
                serving,
            )
        if self._state.promoted is None:
            moment = self._state.time_of_promotion(serving)
            self._take_over(serving, "a server without a shadow has served it", moment)
        elif serving > self._state.promoted:
            if self._is_replacement(self._state.promoted) or self._is_last_resort(serving):
                return
            self._take_over(serving, "there is no earlier version to serve", _now())
        record = self._state.shadow
        ending = self._find_ending(record, serving, number) if record else None
        if record and ending:
            self._end(record, *ending)
        if number is None:
            return
        if record is None or not record.is_in_shadow:
            self._begin(number, serving)
        elif not record.outcome:
            self._judge(record)  # fewer pictures may be wanted than at the last start

    def _is_replacement(self, promoted: int) -> bool:
        """Return whether the serving one only stands in for one that cannot be loaded for now."""
        states = self._versions.states().items()
        return any(number <= promoted and state.error for number, state in states)

    def _is_last_resort(self, serving: int) -> bool:
        """Return whether the serving one was decided not to serve, and log that it does."""
        record = self._state.shadow
        if record is None or not self._state.is_refused(serving):
            return False
        if _differ(self._versions.identity(serving), record.identity):
            return False
        text = (
            f"version {serving} serves although it is not to ({record.reason}): there is no other "
            f"version. It serves until one up to version {self._state.promoted} is there again, or "
            "a newer one is pushed"
        )
        if text != self._last_resort:
            _logger.warning("%s", text)
        self._last_resort = text
        return True

    def _find_ending(
        self, record: ShadowRecord, serving: int, number: int | None
    ) -> tuple[Outcome, str] | None:
        """Return why a shadow has ended without a decision; None if it lasts, or has ended before.

        Args:
            record: Record of the shadow.
            serving: Number of the serving version.
            number: Number of the version in shadow now.
        """
        if not record.is_in_shadow:
            return None
        if number is None:
            state = self._versions.states().get(record.version)
            if state is not None and state.error:
                return None  # it is tried again every minute
            return "withdrawn", "it was rolled back or removed"
        if number != record.version:
            return "replaced", f"version {number} is in shadow now"
        if record.serving != serving:
            return "withdrawn", f"version {serving} serves now, and it is compared with that one"
        if _differ(self._versions.identity(number), record.identity):
            return "withdrawn", "another model has its number now"
        if _differ(self._versions.identity(serving), record.serving_identity):
            return (
                "withdrawn",
                f"another model has the number of version {serving} now, and it is compared with "
                "that one",
            )
        return None

    def _begin(self, number: int, serving: int) -> None:
        identities = self._versions.identity(number), self._versions.identity(serving)
        self._state.shadow = ShadowRecord(
            number, identities[0], serving, _now(), serving_identity=identities[1]
        )
        _logger.info("%s", describe_start(self._state.shadow, self._options))

    def _judge(self, record: ShadowRecord) -> None:
        """Let the version serve, or not, if it has predicted enough pictures."""
        outcome = decide(record, self._options)
        if outcome == "promoted":
            self._state.promote(record.version, _now())  # it serves from now on
            self._end(record, outcome, "it serves now")
        elif outcome:
            self._end(record, outcome, "it contradicts too many confident predictions")
        elif record.num_pictures >= self._options.num_pictures and self._doubtful is not record:
            self._doubtful = record
            _logger.warning(
                "version %d stays in shadow: version %d is confident of %d of the pictures so far, "
                "and a decision needs %d of them",
                record.version,
                record.serving,
                record.num_confident,
                self._options.num_confident,
            )

    def _fail(self, record: ShadowRecord, error: str) -> None:
        reason = f"it cannot predict a picture that version {record.serving} can: {error}"
        self._end(record, "failed", reason)

    def _take_over(self, version: int, reason: str, moment: str) -> None:
        """Let a version serve that was not decided on here."""
        self._state.promote(version, moment)
        record = self._state.shadow
        if record is None or not record.is_in_shadow or record.version > version:
            return
        if record.version == version:
            self._end(record, "promoted", reason)
        else:
            self._end(record, "replaced", f"version {version} serves now: {reason}")

    def _end(self, record: ShadowRecord, outcome: Outcome, reason: str) -> None:
        """Note, log and tell what became of a shadow."""
        record.outcome, record.reason, record.ended = outcome, reason, _now()
        text = f"version {record.version} was in shadow: {describe_counts(record, self._options)}"
        if classes := describe_classes(record):
            text += f"; by class: {classes}"
        text += f". Outcome: {reason}"
        if record.is_in_shadow:
            text += f". It stays in shadow. {ADVICE}"
        _logger.log(logging.WARNING if record.is_in_shadow else logging.INFO, "%s", text)
        self._notices.send(record, text)


def _differ(identity: str, other: str) -> bool:
    """Return whether both identities are known, and are of two models."""
    return bool(identity and other and identity != other)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
