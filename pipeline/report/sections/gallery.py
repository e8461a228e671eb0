"""Test pictures that a model was most sure about, and wrong."""

from dataclasses import dataclass

from pipeline.report.test_predictions import Mistake
from pipeline.report.thumbnails import thumbnail

#: In all domains together.
MOST_PICTURES = 300


@dataclass(frozen=True)
class GalleryPicture:
    """A test picture with a wrong answer."""

    image_id: str
    domain: str
    label: str
    answer: str
    confidence: float
    thumbnail: str | None


def make_gallery(mistakes: dict[str, list[Mistake]]) -> list[GalleryPicture]:
    """Small pictures of mistakes, the most confident first.

    Args:
        mistakes: of every domain, the most confident first.
    """
    share = max(MOST_PICTURES // max(len(mistakes), 1), 1)
    chosen = [mistake for own in mistakes.values() for mistake in own[:share]]
    ordered = sorted(chosen, key=lambda mistake: -mistake.confidence)
    return [
        GalleryPicture(
            image_id=one.image_id,
            domain=one.domain,
            label=one.label,
            answer=one.answer,
            confidence=one.confidence,
            thumbnail=thumbnail(one.content),
        )
        for one in ordered[:MOST_PICTURES]
    ]
