import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.running.needs.listed_pictures import SAMPLE_ROWS, ListedPictures, read_listing


def read(folder: Path, rows: list[dict[str, Any]], **options: Any) -> ListedPictures:
    path = folder / "listing.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_listing(path, len(rows), 0.25, **options)


def row(path: str = "a.png", **values: Any) -> dict[str, Any]:
    return {"path": path, "domain": "day", "label": "cat", "bytes": 1000} | values


def test_files_and_names_of_usable_rows_are_counted(tmp_path):
    rows = [row(), row("b/c.png", bytes=500), row("d.png", reason="cannot be opened"), row("e.png")]
    pictures = read(tmp_path, rows)
    assert (pictures.count, pictures.file_bytes, pictures.name_bytes) == (3, 2500, 5 + 7 + 5 + 18)


def test_a_file_that_will_be_rejected_for_its_size_does_not_count(tmp_path):
    assert read(tmp_path, [row(), row(bytes=1001)], max_file_bytes=1000).file_bytes == 1000


@pytest.mark.parametrize(
    ("values", "num_tested"),
    [({}, 0.25), ({"split": "test"}, 1), ({"split": "train"}, 0), ({"fold": 2}, 0)],
)
def test_rows_are_expected_in_the_test_split(tmp_path, values, num_tested):
    pictures = read(tmp_path, [row(**values)])
    assert pictures.num_tested == num_tested
    assert pictures.num_trained == 1 - num_tested


def test_the_sample_is_spread_over_the_listing(tmp_path):
    rows = [row(f"{number}.png") for number in range(3 * SAMPLE_ROWS)]
    sample = read(tmp_path, rows).sample
    assert [one["path"] for one in sample[:3]] == ["0.png", "3.png", "6.png"]
    assert len(sample) == SAMPLE_ROWS
