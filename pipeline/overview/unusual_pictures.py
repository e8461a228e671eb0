"""The most unusual pictures of the traffic, as thumbnails."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from pipeline.overview.thumbnail_process import ThumbnailProcess
from pipeline.traffic.traffic_record import TrafficRecord
from trainer_module.contract.printable_names import shortened

#: Most pictures that are shown.
MAX_PICTURES = 12

#: Least novelty of an unusual picture: 5 % of the pictures of known domains have as much.
MIN_NOVELTY = 0.95

#: Larger files get no thumbnail, in bytes.
MAX_BYTES = 4 * 2**20


@dataclass
class UnusualPicture:
    """A picture of the traffic, see `TrafficRecord`.

    Attributes:
        digest: Digest of its bytes: the same picture is shown once.
        content: Its bytes until the thumbnail is made; None for a file that is too large.
        thumbnail: Thumbnail as a data URI; None if there is none.
    """

    time: float
    domain: str
    label: str
    confidence: float
    novelty: float
    accepted: bool | None
    version: int
    digest: bytes
    content: bytes | None
    thumbnail: str | None = None

    @property
    def rank(self) -> tuple[float, float]:
        """The greater, the more unusual; of two that are equal the newer one."""
        return self.novelty, self.time


class UnusualPictures:
    """The most unusual different pictures of those that were offered."""

    def __init__(self, thumbnails: ThumbnailProcess) -> None:
        """Start with none.

        Args:
            thumbnails: Makes the thumbnails.
        """
        self._thumbnails = thumbnails
        self._pictures: list[UnusualPicture] = []

    def offer(self, record: TrafficRecord) -> None:
        """Keep a picture if it is one of the most unusual.

        Args:
            record: Picture of the traffic.
        """
        novelty = record.novelty
        if novelty is None or not novelty >= MIN_NOVELTY:
            return
        is_full = len(self._pictures) == MAX_PICTURES
        if is_full and (novelty, record.time) <= self._pictures[-1].rank:
            return
        digest = hashlib.sha256(record.image).digest()
        if any(one.digest == digest for one in self._pictures):
            return
        content = record.image if len(record.image) <= MAX_BYTES else None
        self._pictures.append(
            UnusualPicture(
                time=record.time,
                domain=record.domain,
                label=record.label,
                confidence=record.confidence,
                novelty=novelty,
                accepted=record.accepted,
                version=record.version,
                digest=digest,
                content=content,
            )
        )
        self._pictures.sort(key=lambda one: one.rank, reverse=True)
        del self._pictures[MAX_PICTURES:]

    def forget(self, before: float) -> None:
        """Remove pictures that are too old.

        Args:
            before: Time in seconds since 1970.
        """
        self._pictures = [one for one in self._pictures if one.time >= before]

    def describe(self) -> list[dict[str, Any]]:
        """Return the pictures with their thumbnails as JSON objects, the most unusual first."""
        new = [one for one in self._pictures if one.content is not None]
        contents = [one.content for one in new if one.content is not None]
        for one, thumbnail in zip(new, self._thumbnails.encode(contents), strict=True):
            one.thumbnail, one.content = thumbnail, None
        return [
            {
                "time": datetime.fromtimestamp(one.time, timezone.utc).isoformat(
                    timespec="seconds"
                ),
                "domain": shortened(one.domain),
                "label": shortened(one.label),
                "confidence": round(one.confidence, 4),
                "novelty": round(one.novelty, 4),
                "accepted": one.accepted,
                "version": one.version,
                "thumbnail": one.thumbnail,
            }
            for one in self._pictures
        ]
