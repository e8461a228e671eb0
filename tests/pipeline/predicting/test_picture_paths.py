from pathlib import Path

import pytest
from strange_names import LITERAL, PATTERNS
from tiny_pictures import write_files

from pipeline.predicting.picture_paths import PicturePath, find_pictures


def found(*paths: Path) -> list[str]:
    return [str(picture.path) for picture in find_pictures(list(paths))]


def test_folders_are_searched_to_any_depth_without_hidden_and_system_files(tmp_path):
    names = ("b.png", "a/deep/er/still/c.png", ".hidden.png", "Thumbs.db")
    write_files(tmp_path, dict.fromkeys(names, b""))
    assert found(tmp_path) == [str(tmp_path / "b.png"), str(tmp_path / "a/deep/er/still/c.png")]


def test_patterns_are_expanded_in_the_order_of_names(tmp_path):
    write_files(tmp_path, dict.fromkeys(("b.png", "a/a.png", "c.jpg"), b""))
    assert found(tmp_path / "**/*.png") == [str(tmp_path / "a/a.png"), str(tmp_path / "b.png")]


def test_a_file_whose_name_is_a_pattern_is_not_expanded(tmp_path):
    write_files(tmp_path, dict.fromkeys(("[a].png", "a.png"), b""))
    assert found(tmp_path / "[a].png") == [str(tmp_path / "[a].png")]


def test_a_pattern_without_a_match_is_listed_as_a_path(tmp_path):
    assert found(tmp_path / "*.png") == [str(tmp_path / "*.png")]


def test_domain_and_class_are_known_for_pictures_in_the_layout_only(tmp_path):
    write_files(tmp_path, dict.fromkeys(("day/cat/1.png", "2.png"), b""))
    assert sorted(find_pictures([tmp_path]), key=lambda picture: picture.path.name) == [
        PicturePath(tmp_path / "day/cat/1.png", "day", "cat"),
        PicturePath(tmp_path / "2.png"),
    ]
    assert find_pictures([tmp_path / "day/cat/1.png"]) == [PicturePath(tmp_path / "day/cat/1.png")]


@pytest.mark.parametrize("name", [*PATTERNS, *LITERAL])
def test_a_pattern_below_a_folder_with_a_strange_name(tmp_path, name):
    for folder in (name, "runs 2", "a-b", "what!", "x"):
        write_files(tmp_path / folder, dict.fromkeys(("1.png", "deep/2.png"), b""))
    folder = tmp_path / name
    assert found(folder / "*.png") == [str(folder / "1.png")]
    assert found(folder / "**/2.*") == [str(folder / "deep/2.png")]


def test_a_pattern_relative_to_the_working_directory(tmp_path, monkeypatch):
    write_files(tmp_path, dict.fromkeys(("in/1.png", "in/2.jpg"), b""))
    monkeypatch.chdir(tmp_path / "in")
    assert found(Path("*.png")) == ["1.png"]
    assert found(Path("../i*/*.jpg")) == ["../in/2.jpg"]


def test_a_name_that_is_too_long_is_listed_as_a_path():
    assert found(Path("n" * 300)) == ["n" * 300]


def test_a_folder_of_pictures_without_a_label_names_no_class(tmp_path):
    data = write_files(tmp_path / "data", {"day/_unlabelled/1.png": b""})
    manifest = tmp_path / "m.csv"
    manifest.write_text("path,domain,label\ndata/day/_unlabelled/1.png,day,_to_label\n")
    expected = [PicturePath(data / "day/_unlabelled/1.png")]
    assert find_pictures([data]) == find_pictures([manifest]) == expected
