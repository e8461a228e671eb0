from pathlib import Path

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
