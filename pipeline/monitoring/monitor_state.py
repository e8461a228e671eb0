"""What `carryover monitor` remembers of the traffic of a version, from one call to the next."""

import contextlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.monitoring.drift_test import DriftTest
from pipeline.monitoring.known_pictures import COMPONENTS
from pipeline.monitoring.seen_pictures import NAMES, SeenPictures
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.workspace_files.file_lock import NO_LOCKS, lock_file
from trainer_module.contract.workspace_files.state_files import reading

#: Newest pictures of a client domain whose embeddings are kept. The distance to a known domain is
#: measured on them: it takes the square of their number.
MAX_EMBEDDINGS = 200

#: Most points of a batch that are kept until somebody decides on it, and most such batches.
MAX_OFFERED_POINTS, MAX_OFFERED = 500, 20

#: Most points of pictures on which the version is good enough.
MAX_SETTLED = 2_000

#: What to do about a damaged file.
REMEDY = "Remove it: the traffic that is still in the workspace is then read again."

_HEADER = "header"


@dataclass(frozen=True)
class PendingBatch:
    """A complete batch under a hidden name in the inbox.

    Attributes:
        draft: Absolute path under which it was written.
        path: Absolute path that it gets.
        inbox_id: Device and inode of the inbox; "" if they are not known.
        digests: Digests of its pictures, as hex digits.
    """

    draft: str
    path: str
    inbox_id: str = ""
    digests: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class DeliveredBatch:
    """A batch of unusual pictures in an inbox.

    Attributes:
        path: Absolute path of its folder.
        time: Time of the delivery, ISO 8601 in UTC.
    """

    path: str
    time: str


@dataclass(frozen=True)
class OfferedBatch:
    """A delivered batch whose pictures nobody has decided on so far.

    Attributes:
        path: Absolute path of its folder.
        points: The newest of its pictures as points, float [rows, dim of points].
    """

    path: str
    points: npt.NDArray[Any]


@dataclass(frozen=True)
class SettledAlarm:
    """Why an alarm ended: labels show that the version is good enough on its pictures.

    Attributes:
        batch: Name of the batch with the labels.
        time: Time of the decision, ISO 8601 in UTC.
        reason: Reason of the decision, a text for people.
    """

    batch: str
    time: str
    reason: str


@dataclass
class StreamState:
    """State of the traffic of one client domain.

    Attributes:
        test: Test for pictures that are unlike every known domain.
        pictures: Newest pictures.
        total: Number of all pictures so far.
        num_unusable: Number of pictures that cannot be decoded.
        is_told: Whether the alarm was told by a notice.
        delivered: Digests of the pictures that were delivered to an inbox, as hex digits.
        pending: Batch of such pictures that may not be in the inbox yet; None for none.
        newest_batch: Newest batch of the alarm that lasts; None for none.
        offered: Batches that nobody has decided on so far, also those of earlier alarms.
        settled: Pictures on which the version is good enough, as points; they raise no alarm.
        settled_alarm: Why the newest alarm ended; None if it lasts, or ended by itself.
        embeddings: Embeddings of the last of `pictures`, float16 [at most `MAX_EMBEDDINGS`, dim].
    """

    test: DriftTest = field(default_factory=DriftTest)
    pictures: SeenPictures = field(default_factory=SeenPictures.none)
    total: int = 0
    num_unusable: int = 0
    is_told: bool = False
    delivered: list[str] = field(default_factory=list)
    pending: PendingBatch | None = None
    newest_batch: DeliveredBatch | None = None
    offered: list[OfferedBatch] = field(default_factory=list)
    settled: npt.NDArray[Any] = field(default_factory=lambda: np.empty((0, COMPONENTS)))
    settled_alarm: SettledAlarm | None = None
    embeddings: npt.NDArray[Any] = field(default_factory=lambda: np.empty((0, 0), np.float16))

    def add_embeddings(self, embeddings: npt.NDArray[Any]) -> None:
        """Add the embeddings of the pictures that were added to `pictures` last.

        Args:
            embeddings: Embeddings, float [rows, dim].
        """
        parts = [part for part in (self.embeddings, embeddings.astype(np.float16)) if len(part)]
        self.embeddings = np.concatenate(parts)[-MAX_EMBEDDINGS:] if parts else self.embeddings

    def restart(self) -> None:
        """Begin another test after an alarm."""
        self.test = DriftTest(recent=self.test.recent[:0])
        self.is_told = False

    def offer(self, path: str, points: npt.NDArray[Any]) -> None:
        """Remember the pictures of a batch until somebody decides on it.

        Args:
            path: Absolute path of its folder.
            points: Its pictures as points, float [rows, dim of points].
        """
        self.offered.append(OfferedBatch(path, points[-MAX_OFFERED_POINTS:]))
        del self.offered[:-MAX_OFFERED]

    def settle(self, offered: OfferedBatch, why: SettledAlarm) -> None:
        """Take the pictures of a batch for known ones from now on, and begin another test.

        Args:
            offered: The batch.
            why: Why its alarm ends.
        """
        self.offered = [one for one in self.offered if one is not offered]
        parts = [part for part in (self.settled, offered.points) if len(part)]
        self.settled = np.concatenate(parts)[-MAX_SETTLED:] if parts else self.settled
        self.settled_alarm, self.newest_batch = why, None
        self.restart()


@dataclass
class MonitorState:
    """State of the traffic of one version.

    Attributes:
        position: Time up to which traffic was read, in seconds since 1970; None at first.
        streams: States by client domain.
    """

    position: float | None = None
    streams: dict[str, StreamState] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write the state into a file that only its owner can read.

        Args:
            path: Path of the file.
        """
        arrays: dict[str, Any] = {}
        headers = []
        for number, (domain, stream) in enumerate(self.streams.items()):
            test = stream.test
            headers.append(
                {
                    "domain": domain,
                    "count": test.count,
                    "wealth": test.wealth,
                    "alarm": test.alarm,
                    "total": stream.total,
                    "num_unusable": stream.num_unusable,
                    "is_told": stream.is_told,
                    "delivered": stream.delivered,
                    "pending": stream.pending and asdict(stream.pending),
                    "newest_batch": stream.newest_batch and asdict(stream.newest_batch),
                    "offered": [one.path for one in stream.offered],
                    "settled_alarm": stream.settled_alarm and asdict(stream.settled_alarm),
                }
            )
            arrays[f"{number}_recent"] = test.recent
            arrays[f"{number}_settled"] = stream.settled
            arrays[f"{number}_embeddings"] = stream.embeddings
            for place, one in enumerate(stream.offered):
                arrays[f"{number}_offered_{place}"] = one.points
            arrays |= {f"{number}_{name}": getattr(stream.pictures, name) for name in NAMES}
        header = {"position": self.position, "streams": headers}
        arrays[_HEADER] = np.frombuffer(json.dumps(header).encode(), np.uint8)
        content = io.BytesIO()
        np.savez(content, **arrays)
        atomic_write(path, content.getvalue(), private=True)


def read_monitor_state(path: Path) -> MonitorState:
    """Read the state of a version; an empty one where nothing was written yet.

    Args:
        path: Path of the file.

    Raises:
        UnavailableError: The file is unreadable or damaged.
    """
    if not path.exists():
        return MonitorState()
    with reading(path, "state of the monitor", REMEDY):
        with np.load(path, allow_pickle=False) as arrays:
            header = json.loads(arrays[_HEADER].tobytes())
            streams = {
                values["domain"]: _read_stream(values, number, arrays)
                for number, values in enumerate(header["streams"])
            }
        return MonitorState(header["position"], streams)


def has_pending_batch(path: Path) -> bool:
    """Return whether a state names a batch that may not be in its inbox yet.

    Only the header is read. A damaged file has none.

    Args:
        path: Path of the file.
    """
    with contextlib.suppress(UnavailableError), reading(path, "state of the monitor", REMEDY):
        with np.load(path, allow_pickle=False) as arrays:
            header = json.loads(arrays[_HEADER].tobytes())
        return any(values.get("pending") for values in header["streams"])
    return False


def _read_stream(values: dict[str, Any], number: int, arrays: Mapping[str, Any]) -> StreamState:
    test = DriftTest(
        values["count"],
        values["wealth"],
        arrays[f"{number}_recent"],
        values["alarm"],
    )
    pictures = SeenPictures(**{name: arrays[f"{number}_{name}"] for name in NAMES})
    stream = StreamState(
        test,
        pictures,
        values["total"],
        values["num_unusable"],
        values["is_told"],
        values["delivered"],
        PendingBatch(**values["pending"]) if values.get("pending") else None,
        DeliveredBatch(**values["newest_batch"]) if values.get("newest_batch") else None,
    )
    if "offered" in values:  # not in the file of an earlier carryover
        stream.offered = [
            OfferedBatch(path, arrays[f"{number}_offered_{place}"])
            for place, path in enumerate(values["offered"])
        ]
        stream.settled = arrays[f"{number}_settled"]
        stream.embeddings = arrays[f"{number}_embeddings"]
        told = values["settled_alarm"]
        stream.settled_alarm = SettledAlarm(**told) if told else None
    return stream


@contextlib.contextmanager
def monitor_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of the monitor of a workspace, so that two calls do not write one state.

    Args:
        folder: Folder of the states; it is made if it does not exist.

    Raises:
        InputError: Another call holds the lock, or the folder cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        handle = lock_file(folder / ".lock")
    except BlockingIOError:
        raise InputError(
            f"another carryover monitor reads the traffic of {folder.parent}. Wait until it ends, "
            "or stop it."
        ) from None
    except OSError as error:
        if error.errno in NO_LOCKS:
            yield
            return
        raise InputError(
            f"{folder} cannot be written: {error.strerror}. Make it writable for this user."
        ) from None
    try:
        yield
    finally:
        os.close(handle)
