"""What the path of a file says about it, in a layout."""

import os
from pathlib import PurePosixPath

import pytest

from pipeline.config.layout_pattern import parse_pattern
from pipeline.inputs.layouts.layout import Layout


def place(path: str, *levels: str, domain: str | None = None):
    return Layout(levels, domain).place(PurePosixPath(path))


@pytest.mark.parametrize(
    ("levels", "path", "text"),
    [
        (("domain", "class"), "day/a.png", "<domain>/<class>/"),
        (("split", "domain", "class"), "train/day/a.png", "<split>/<domain>/<class>/"),
        (("domain", "*", "class"), "a.png", "<domain>/*/<class>/"),
    ],
)
def test_a_file_above_the_last_level_is_not_in_the_layout(levels, path, text):
    assert place(path, *levels) == ("", "", None, f"not in {text}")


def test_folders_below_the_last_level_mean_nothing():
    assert place("day/cat/near/a.png", "domain", "class")[:2] == ("day", "cat")


@pytest.mark.parametrize("folder", ["unlabeled", "extra", "trains"])
def test_a_folder_that_names_no_split_is_unusable_where_a_split_must_be(folder):
    placed = place(f"{folder}/day/cat/a.png", "split", "domain", "class")
    assert placed == ("day", "cat", None, "not in a split folder (train, val or test)")


@pytest.mark.parametrize("path", [b"caf\xe9/cat/a.png", b"day/caf\xe9/a.png"])
def test_a_domain_or_class_that_is_not_utf_8_is_unusable(path):
    assert "UTF-8" in (place(os.fsdecode(path), "domain", "class").reason or "")


def test_a_skipped_folder_need_not_be_utf_8():
    path = os.fsdecode(b"day/caf\xe9/cat/a.png")
    assert place(path, "domain", "*", "class")[:2] == ("day", "cat")


@pytest.mark.parametrize(
    "text", ["class", "domain/class", "split/class", "*/domain/*/class/split", " domain/class/ "]
)
def test_a_pattern_has_a_class(text):
    assert "class" in parse_pattern(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "domain",
        "class/class",
        "domain/domain/class",
        "<domain>/<class>",
        "split/label",
        "a//class",
    ],
)
def test_another_pattern_is_refused_with_examples(text):
    with pytest.raises(ValueError, match="domain/class, split/domain/class"):
        parse_pattern(text)
