from typing import Any

import pytest
from emoji_pictures.emoji_selection import (
    Emoji,
    file_stem,
    is_variant,
    picture_class,
    select_emoji,
)


def record(code: str, name: str, subcategory: str, sort_order: int = 0) -> dict[str, Any]:
    return {
        "unified": code,
        "name": name,
        "subcategory": subcategory,
        "sort_order": sort_order,
        "image": f"{code.lower()}.png",
    }


@pytest.mark.parametrize(
    ("subcategory", "label"),
    [
        ("animal-bug", "animal"),
        ("drink", "food"),
        ("hands", "hand"),
        ("person", "person"),
        ("person-symbol", None),
        ("place-religious", "building"),
        ("transport-sign", None),
        ("cat-face", None),
    ],
)
def test_unicode_subcategory_decides_the_class(subcategory: str, label: str | None) -> None:
    assert picture_class(subcategory) == label


def test_gender_and_direction_variants_are_recognised() -> None:
    known = {"1F9D1-200D-1F33E", "1F468-200D-1F33E", "1F468", "1F6B6"}
    variants = ["1F468-200D-1F33E", "1F6B6-200D-2640-FE0F", "1F6B6-200D-27A1-FE0F"]
    originals = ["1F9D1-200D-1F33E", "1F468", "1F6B6", "1F408-200D-2B1B"]
    assert all(is_variant(code, known) for code in variants)
    assert not any(is_variant(code, known) for code in originals)


def test_stem_is_ascii_without_the_emoji_style_code_point() -> None:
    stem = file_stem("26D1-FE0F", "RESCUE WORKER\N{RIGHT SINGLE QUOTATION MARK}S HAT")
    assert stem == "26d1-rescue-workers-hat"


def test_selection_is_in_unicode_order_without_misfits_and_other_subcategories() -> None:
    records = [
        record("1F43E", "PAW PRINTS", "animal-mammal"),
        record("1F577-FE0F", "SPIDER", "animal-bug", sort_order=2),
        record("1F436", "DOG FACE", "animal-mammal", sort_order=1),
        record("2693", "KEY", "lock"),
    ]
    assert select_emoji(records) == [
        Emoji("animal", "1f436-dog-face", ("1f436.png", "1F436.svg", "1F436.svg")),
        Emoji("animal", "1f577-spider", ("1f577-fe0f.png", "1F577-FE0F.svg", "1F577.svg")),
    ]
