from tiny_pictures import solid

from pipeline.report.sections import gallery
from pipeline.report.sections.gallery import make_gallery
from pipeline.report.test_predictions import Mistake


def mistakes(domain: str, *confidences: float) -> list[Mistake]:
    return [
        Mistake(f"{domain}/{sure}.png", domain, "cat", "dog", sure, solid("red"))
        for sure in confidences
    ]


def test_the_most_confident_mistake_of_all_domains_comes_first():
    found = make_gallery({"day": mistakes("day", 0.9, 0.4), "night": mistakes("night", 0.8)})
    assert [one.confidence for one in found] == [0.9, 0.8, 0.4]
    assert all(one.thumbnail for one in found)


def test_no_domain_crowds_out_another(monkeypatch):
    monkeypatch.setattr(gallery, "MOST_PICTURES", 2)
    found = make_gallery({"day": mistakes("day", 0.9, 0.8, 0.7), "night": mistakes("night", 0.4)})
    assert [one.domain for one in found] == ["day", "night"]


def test_without_a_mistake_the_gallery_is_empty():
    assert make_gallery({}) == []
