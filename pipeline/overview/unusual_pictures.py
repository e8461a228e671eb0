"""The most unusual pictures of the traffic, as thumbnails."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from pipeline.overview.thumbnail_process import ThumbnailProcess
from pipeline.traffic.traffic_record import TrafficRecord
from trainer_module.contract.printable_names import shortened
from trainer_module.export.novelty import HIGH_NOVELTY

#: Most pictures that are shown.
MAX_PICTURES = 12

#: Larger files get no thumbnail, in bytes.
MAX_BYTES = 4 * 2**20


@dataclass
class UnusualPicture:
    """A picture of the traffic.

    Attributes:
        record: Its record, without its bytes.
        rank: Novelty and time. The greater, the more unusual; of two that are equal the newer one.
        digest: Digest of its bytes: the same picture is shown once.
        content: Its bytes until the thumbnail is made; None for a file that is too large.
        thumbnail: Thumbnail as a data URI; None if there is none.
    """

    record: TrafficRecord
    rank: tuple[float, float]
    digest: bytes
    content: bytes | None
    thumbnail: str | None = None


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
        if record.novelty is None or not record.novelty >= HIGH_NOVELTY:
            return
        rank = (record.novelty, record.time)
        if len(self._pictures) == MAX_PICTURES and rank <= self._pictures[-1].rank:
            return
        digest = hashlib.sha256(record.image).digest()
        if any(one.digest == digest for one in self._pictures):
            return
        content = record.image if len(record.image) <= MAX_BYTES else None
        self._pictures.append(UnusualPicture(replace(record, image=b""), rank, digest, content))
        self._pictures.sort(key=lambda one: one.rank, reverse=True)
        del self._pictures[MAX_PICTURES:]

    def forget(self, before: float) -> None:
        """Remove pictures that are too old.

        Args:
            before: Time in seconds since 1970.
        """
        self._pictures = [one for one in self._pictures if one.record.time >= before]

    def describe(self) -> list[dict[str, Any]]:
        """Return the pictures with their thumbnails as JSON objects, the most unusual first."""
        new = [one for one in self._pictures if one.content is not None]
        contents = [one.content for one in new if one.content is not None]
        for one, thumbnail in zip(new, self._thumbnails.encode(contents), strict=True):
            one.thumbnail, one.content = thumbnail, None
        return [_describe(one) for one in self._pictures]


def _describe(picture: UnusualPicture) -> dict[str, Any]:
    record, (novelty, time) = picture.record, picture.rank
    return {
        "time": datetime.fromtimestamp(time, timezone.utc).isoformat(timespec="seconds"),
        "domain": shortened(record.domain),
        "label": shortened(record.label),
        "confidence": round(record.confidence, 4),
        "novelty": round(novelty, 4),
        "accepted": record.accepted,
        "version": record.version,
        "thumbnail": picture.thumbnail,
    }
