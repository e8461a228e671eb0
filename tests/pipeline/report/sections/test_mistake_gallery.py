import pytest
from tiny_pictures import solid

from pipeline.report.sections import mistake_gallery
from pipeline.report.sections.mistake_gallery import make_mistake_gallery
from pipeline.report.split_predictions import Mistake

pytestmark = pytest.mark.component


def mistakes(domain: str, *confidences: float) -> list[Mistake]:
    return [
        Mistake(f"{domain}/{confidence}.png", domain, "cat", "dog", confidence, solid("red"))
        for confidence in confidences
    ]


def test_the_most_confident_mistake_of_all_domains_comes_first():
    gallery = make_mistake_gallery(
        {"day": mistakes("day", 0.9, 0.4), "night": mistakes("night", 0.8)}
    )
    assert [one.confidence for one in gallery] == [0.9, 0.8, 0.4]
    assert all(one.thumbnail for one in gallery)


def test_every_domain_has_its_share_of_the_gallery(monkeypatch):
    monkeypatch.setattr(mistake_gallery, "MAX_PICTURES", 2)
    gallery = make_mistake_gallery(
        {"day": mistakes("day", 0.9, 0.8, 0.7), "night": mistakes("night", 0.4)}
    )
    assert [one.domain for one in gallery] == ["day", "night"]


def test_without_a_mistake_the_gallery_is_empty():
    assert make_mistake_gallery({}) == []
