"""Gallery of the most confident mistakes on the test split."""

from dataclasses import dataclass

from pipeline.report.split_predictions import Mistake
from pipeline.report.thumbnails import encode_thumbnail

#: Pictures of the gallery, in all domains together.
MAX_PICTURES = 300


@dataclass(frozen=True)
class GalleryPicture:
    """Test picture with a wrong prediction, see `Mistake`.

    Attributes:
        thumbnail: Data URI; None if the picture cannot be decoded.
    """

    image_id: str
    domain: str
    label: str
    predicted: str
    confidence: float
    thumbnail: str | None


def make_mistake_gallery(mistakes: dict[str, list[Mistake]]) -> list[GalleryPicture]:
    """Return the gallery, the most confident mistakes first.

    Args:
        mistakes: Domain -> its mistakes, the most confident first.
    """
    per_domain = max(MAX_PICTURES // max(len(mistakes), 1), 1)
    shown = [mistake for own in mistakes.values() for mistake in own[:per_domain]]
    ordered = sorted(shown, key=lambda mistake: -mistake.confidence)
    return [
        GalleryPicture(
            image_id=mistake.image_id,
            domain=mistake.domain,
            label=mistake.label,
            predicted=mistake.predicted,
            confidence=mistake.confidence,
            thumbnail=encode_thumbnail(mistake.content),
        )
        for mistake in ordered[:MAX_PICTURES]
    ]
