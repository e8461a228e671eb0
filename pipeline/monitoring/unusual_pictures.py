"""The pictures of an alarm: since when they arrive, and which of them are unlike every domain."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.monitoring.drift_classifier import learn_classifier
from pipeline.monitoring.drift_test import MIN_WINDOW, WINDOW, bet
from pipeline.monitoring.known_pictures import Float64Array, KnownPictures
from pipeline.monitoring.monitor_state import StreamState
from pipeline.monitoring.seen_pictures import SeenPictures


@dataclass(frozen=True)
class UnusualPictures:
    """Pictures since the change that raised an alarm.

    Attributes:
        since: Pictures since then, as far as they are kept.
        is_unusual: Whether a picture is unlike every known domain, bool [rows].
        known_share: Most pictures of a known group of which the same would be said, as a share.
        embeddings: Embeddings of the newest of the unusual ones, float16 [rows, dim].
    """

    since: SeenPictures
    is_unusual: npt.NDArray[np.bool_]
    known_share: float
    embeddings: npt.NDArray[np.float16]

    @property
    def share(self) -> float:
        """Share of the pictures that are unlike every known domain."""
        return float(self.is_unusual.mean())

    @property
    def unusual(self) -> SeenPictures:
        """The pictures that are unlike every known domain."""
        return self.since.select(self.is_unusual)


def find_unusual(stream: StreamState, known: KnownPictures) -> UnusualPictures | None:
    """Tell which pictures of a client domain raised its alarm.

    Args:
        stream: State of the client domain.
        known: Pictures that the version knows.

    Returns:
        None without an alarm, or if the newest pictures are no longer unlike the known ones.
    """
    if stream.test.alarm is None:
        return None
    points = stream.pictures.points.astype(np.float64)
    found = learn_classifier(known, points[-WINDOW:]) if len(points) >= MIN_WINDOW else None
    if found is None:
        return None
    start = _find_start(np.log(bet(found, points)))
    is_unusual = found.choose(points[start:]) > 0.5
    if not is_unusual.any():
        return None
    count = min(len(is_unusual), len(stream.embeddings))
    newest = stream.embeddings[len(stream.embeddings) - count :]
    return UnusualPictures(
        stream.pictures.select(slice(start, None)),
        is_unusual,
        found.known_share,
        newest[is_unusual[len(is_unusual) - count :]],
    )


def _find_start(gains: Float64Array) -> int:
    """Return the row from which on the bets gain most, the estimate of CUSUM (Page, 1954)."""
    return int(np.argmax(gains[::-1].cumsum()[::-1]))
