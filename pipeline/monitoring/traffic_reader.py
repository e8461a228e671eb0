"""Reads the traffic that has arrived since the last call, and measures its pictures."""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from pipeline.monitoring.known_pictures import FloatArray, KnownPictures
from pipeline.monitoring.monitor_state import MonitorState, StreamState
from pipeline.monitoring.seen_pictures import SeenPictures, joined
from pipeline.traffic.traffic_record import TrafficRecord
from pipeline.traffic.traffic_store import read_traffic, traffic_folder
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.example_features import MEASURES
from trainer_module.contract.output_text.wording import counted_are

#: Seconds after which a record is certainly in the store: servers write theirs every second.
SETTLING = 5.0

#: Seconds after a record from which on the next ones are read: less than a microsecond, to which
#: times are kept.
AFTER = 5e-7

#: Records that are in memory at a time.
CHUNK = 256

#: Newest pictures that are kept of a client domain, and most client domains: clients name them.
MAX_PICTURES, MAX_DOMAINS = 2_000, 100


_logger = logging.getLogger("carryover.monitoring")


@dataclass(frozen=True)
class TrafficSource:
    """The version whose traffic is read.

    Attributes:
        workspace: Folder of the workspace. Servers of all its models keep their traffic there.
        model: Name of the model.
        version: Number of the version.
        is_only_model: Whether the workspace has no other model.
    """

    workspace: Path
    model: str
    version: int
    is_only_model: bool

    def has(self, record: TrafficRecord) -> bool:
        """Return whether the version has predicted a record.

        Args:
            record: Record of traffic.
        """
        return record.version == self.version and record.is_of(self.model, self.is_only_model)


def records_between(workspace: Path, since: float | None, until: float) -> Iterator[TrafficRecord]:
    """Yield the records of all versions in the order of their times.

    Args:
        workspace: Folder of the workspace.
        since: Time of the first record, in seconds since 1970; None for the oldest one.
        until: Time before which the last record is.

    Raises:
        UnavailableError: The traffic cannot be read.
    """
    folder = traffic_folder(workspace)
    try:
        for record in read_traffic(folder, since):
            if record.time >= until:
                return
            yield record
    except OSError as error:
        raise UnavailableError(
            f"traffic {folder} cannot be read: {error.strerror}. Make it readable for this user."
        ) from None


def add_new_traffic(
    state: MonitorState, source: TrafficSource, model: Path, known: KnownPictures
) -> int:
    """Add the records since the last call to the state.

    Args:
        state: State of the version.
        source: The version.
        model: Its folder; its embeddings are computed.
        known: Pictures that the version knows.

    Returns:
        The number of records of client domains beyond `MAX_DOMAINS`, which are left out.
    """
    now = time.time()
    _correct_position(state, now)
    records = _read_new(state, source, now - SETTLING)
    measurer, num_left_out = None, 0
    while chunk := list(islice(records, CHUNK)):
        measurer = measurer or PictureMeasurer(model, known)
        by_domain: dict[str, list[TrafficRecord]] = defaultdict(list)
        for record in chunk:
            if record.domain in state.streams or len(state.streams) < MAX_DOMAINS:
                state.streams.setdefault(record.domain, StreamState())
                by_domain[record.domain].append(record)
            else:
                num_left_out += 1
        for domain, own in by_domain.items():
            stream = state.streams[domain]
            found, embeddings = measurer.measure(own)
            stream.total += len(found)
            stream.num_unusable += len(own) - len(found)
            stream.test.add(known.with_group(stream.settled), found.points.astype(np.float64))
            stream.pictures = joined([stream.pictures, found], MAX_PICTURES)
            stream.add_embeddings(embeddings)
    return num_left_out


def _read_new(state: MonitorState, source: TrafficSource, end: float) -> Iterator[TrafficRecord]:
    """Yield the new records of a version, and move the position behind what was read.

    It is not moved on to the end: with a clock that is ahead, that would be in the future.
    """
    num_unknown = 0
    for record in records_between(source.workspace, state.position, end):
        state.position = record.time + AFTER
        if source.has(record):
            yield record
        elif record.model is None and record.version == source.version:
            num_unknown += 1
    if num_unknown:
        _logger.warning(
            "%s left out: they were kept without the name of their model, by a server of an "
            "earlier carryover, and the workspace has several models",
            counted_are(num_unknown, "picture"),
        )


def _correct_position(state: MonitorState, now: float) -> None:
    """Move a position that is in the future to the newest picture that is not."""
    if state.position is None or state.position <= now:
        return
    times = np.concatenate([stream.pictures.times for stream in state.streams.values()] or [[]])
    past = times[times <= now]
    _logger.warning(
        "the clock was %.0f seconds ahead in an earlier look, or is behind now: traffic is read "
        "again from the newest known picture on",
        state.position - now,
    )
    state.position = float(past.max()) + AFTER if len(past) else None


class PictureMeasurer:
    """Measures pictures, with the model that answered for them."""

    def __init__(self, model: Path, known: KnownPictures) -> None:
        """Load the model.

        Args:
            model: Folder of the version.
            known: Pictures that it knows.
        """
        from trainer_module.export.saved_model_classifier import SavedModelClassifier

        self._classifier, self._known = SavedModelClassifier(model), known

    def measure(self, records: Iterable[TrafficRecord]) -> tuple[SeenPictures, FloatArray]:
        """Return the measures of the pictures that can be decoded, in their order.

        Args:
            records: Records of traffic.

        Returns:
            The measures, and the embeddings, float [rows, dim].
        """
        from components.image_example_gen.picture_reader import (
            UnusablePictureError,
            read_picture,
        )
        from components.image_example_gen.picture_statistics import measure_pictures

        kept, pictures = [], []
        for record in records:
            try:
                pictures.append(read_picture(record.image))
            except UnusablePictureError:
                continue
            kept.append(record)
        if not kept:
            return SeenPictures.none(), np.empty((0, 0))
        embeddings = self._classifier.embed([picture.encoded for picture in pictures])
        measures = measure_pictures(np.stack([picture.thumbnail for picture in pictures]))
        novelties = [np.nan if one.novelty is None else one.novelty for one in kept]
        seen = SeenPictures(
            times=np.array([one.time for one in kept], np.float64),
            labels=np.array([one.label for one in kept], str),
            confidences=np.array([one.confidence for one in kept], np.float32),
            novelties=np.array(novelties, np.float32),
            measures=np.stack([measures[name] for name in MEASURES], axis=1),
            points=self._known.project(embeddings).astype(np.float32),
        )
        return seen, embeddings
