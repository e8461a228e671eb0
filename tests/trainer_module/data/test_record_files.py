"""Records that are read from where they start."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from trainer_module.contract.errors import UnavailableError
from trainer_module.data.record_files import consecutive_records, read_places, record_starts

pytestmark = pytest.mark.component

RECORDS = [b"a", b"", b"ccc", b"d" * 1000, b"ee"]

#: Every record has 16 bytes around its content.
STARTS = [0, 17, 33, 52, 1068]


@pytest.fixture(name="file")
def _file(tmp_path) -> str:
    path = str(tmp_path / "records")
    with tf.io.TFRecordWriter(path) as writer:
        for record in RECORDS:
            writer.write(record)
    return path


@pytest.mark.parametrize(
    ("first", "end", "expected"),
    [(0, 10**6, STARTS), (1, 52, [17, 33]), (17, 18, [17]), (53, 1068, []), (1068, 1086, [1068])],
)
def test_parts_of_a_file_hold_the_records_that_start_there(file, first, end, expected):
    assert record_starts(file, first, end).tolist() == expected


def test_records_are_read_from_any_start(file):
    assert list(consecutive_records(file, STARTS[1], 3)) == RECORDS[1:4]
    assert list(consecutive_records(file, STARTS[4], 9)) == RECORDS[4:]


def test_records_of_several_files_are_read_in_any_order(file, tmp_path):
    other = str(tmp_path / "other")
    with tf.io.TFRecordWriter(other) as writer:
        writer.write(b"z")
    places = np.array([[0, STARTS[3]], [1, 0], [0, 0], [0, STARTS[3]]])
    assert read_places([file, other], places) == [RECORDS[3], b"z", b"a", RECORDS[3]]
    assert read_places([file, other], places[:0]) == []


def test_a_damaged_record_is_an_error_that_names_the_file(file):
    with Path(file).open("r+b") as damaged:
        damaged.seek(STARTS[3] + 20)
        damaged.write(b"x")
    with pytest.raises(UnavailableError, match=r"records is damaged: .*Run the command again"):
        list(consecutive_records(file, STARTS[2], 2))
    assert list(consecutive_records(file, STARTS[1], 2)) == RECORDS[1:3]
