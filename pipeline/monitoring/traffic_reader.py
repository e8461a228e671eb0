"""Reads the traffic that has arrived since the last call, and measures its pictures."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from pipeline.monitoring.known_pictures import KnownPictures
from pipeline.monitoring.monitor_state import MonitorState, StreamState
from pipeline.monitoring.seen_pictures import SeenPictures, joined
from pipeline.traffic.traffic_record import TrafficRecord
from pipeline.traffic.traffic_store import read_traffic, traffic_folder
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.example_features import MEASURES

#: Seconds after which a record is certainly in the store: servers write theirs every second.
SETTLING = 5.0

#: Records that are in memory at a time.
CHUNK = 256

#: Newest pictures that are kept of a client domain, and most client domains: clients name them.
MAX_PICTURES, MAX_DOMAINS = 2_000, 100


def records_between(
    workspace: Path, version: int, since: float | None, until: float | None = None
) -> Iterator[TrafficRecord]:
    """Yield the records of a version in the order of their times.

    Args:
        workspace: Folder of the workspace.
        version: Number of the version.
        since: Time of the first record, in seconds since 1970; None for the oldest one.
        until: Time before which the last record is; None for the newest one.

    Raises:
        UnavailableError: The traffic cannot be read.
    """
    folder = traffic_folder(workspace)
    try:
        for record in read_traffic(folder, since):
            if record.version == version and (until is None or record.time < until):
                yield record
    except OSError as error:
        raise UnavailableError(
            f"traffic {folder} cannot be read: {error.strerror}. Make it readable for this user."
        ) from None


def add_new_traffic(
    state: MonitorState, workspace: Path, model: Path, version: int, known: KnownPictures
) -> int:
    """Add the records since the last call to the state.

    Args:
        state: State of the version.
        workspace: Folder of the workspace.
        model: Folder of the version, whose embeddings are computed.
        version: Its number.
        known: Pictures that the version knows.

    Returns:
        The number of records of client domains beyond `MAX_DOMAINS`, which are left out.
    """
    end = time.time() - SETTLING
    records = records_between(workspace, version, state.position, end)
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
            found = measurer.measure(own)
            stream.total += len(found)
            stream.num_unusable += len(own) - len(found)
            stream.test.add(known, found.points.astype(np.float64))
            stream.pictures = joined([stream.pictures, found], MAX_PICTURES)
    state.position = end
    return num_left_out


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

    def measure(self, records: Iterable[TrafficRecord]) -> SeenPictures:
        """Return the measures of the pictures that can be decoded, in their order.

        Args:
            records: Records of traffic.
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
            return SeenPictures.none()
        embeddings = self._classifier.embed([picture.encoded for picture in pictures])
        measures = measure_pictures(np.stack([picture.thumbnail for picture in pictures]))
        novelties = [np.nan if one.novelty is None else one.novelty for one in kept]
        return SeenPictures(
            times=np.array([one.time for one in kept], np.float64),
            labels=np.array([one.label for one in kept], str),
            confidences=np.array([one.confidence for one in kept], np.float32),
            novelties=np.array(novelties, np.float32),
            measures=np.stack([measures[name] for name in MEASURES], axis=1),
            points=self._known.project(embeddings).astype(np.float32),
        )
