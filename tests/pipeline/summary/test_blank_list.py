import csv

import pytest
from tiny_catalog import random_look, row, write_chunks

from pipeline.summary.blank_list import write_blank_pictures

pytestmark = pytest.mark.component

LOOK = random_look(0)


def test_only_blank_pictures_are_listed_with_the_blank_part(tmp_path):
    catalog = write_chunks(
        tmp_path,
        [row(b"day/a/1.jpg", 1, LOOK) | {"blank": ""}],
        [
            row(b"day/b/2,3.jpg", 2, LOOK, "test") | {"blank": "bottom 50%"},
            row(b"night/a/\xff.png", 3, LOOK) | {"blank": "one colour"},
            row(b"night/a/4.png", 4, LOOK),
        ],
    )
    path = tmp_path / "blank.csv"
    write_blank_pictures(catalog, path)
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        assert list(csv.reader(file)) == [
            ["path", "domain", "label", "split", "blank"],
            ["day/b/2,3.jpg", "day", "b", "test", "bottom 50%"],
            ["night/a/\udcff.png", "night", "a", "train", "one colour"],
        ]


def test_without_blank_pictures_there_is_no_file(tmp_path):
    catalog = write_chunks(tmp_path, [row(b"day/a/1.jpg", 1, LOOK) | {"blank": ""}])
    write_blank_pictures(catalog, tmp_path / "blank.csv")
    assert not (tmp_path / "blank.csv").exists()
