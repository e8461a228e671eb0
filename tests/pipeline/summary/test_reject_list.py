from pathlib import Path

import pytest

from components.image_example_gen import inventory
from pipeline.summary.reject_list import write_rejects

pytestmark = pytest.mark.component


def test_every_rejected_file_has_a_row_with_its_name_as_it_is(tmp_path: Path):
    rows = [
        {
            "path": "night/car/\udcff,1.png",
            "domain": "night",
            "label": "car",
            "reason": "empty file",
        },
        {"path": "stray.txt", "domain": "", "label": "", "reason": "not a picture", "bytes": 3},
    ]
    inventory.write_rejects(str(tmp_path), "00000-of-00001", rows)
    write_rejects(str(tmp_path), tmp_path / "rejects.csv")
    assert (tmp_path / "rejects.csv").read_bytes() == (
        b"path,domain,label,reason,bytes\r\n"
        b'"night/car/\xff,1.png",night,car,empty file,\r\n'
        b"stray.txt,,,not a picture,3\r\n"
    )
    assert not list(tmp_path.glob("*.part"))


def test_without_rejected_files_there_is_no_list(tmp_path: Path):
    write_rejects(str(tmp_path), tmp_path / "rejects.csv")
    assert not (tmp_path / "rejects.csv").exists()
