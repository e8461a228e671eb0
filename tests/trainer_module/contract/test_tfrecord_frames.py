"""TFRecord files: as TensorFlow reads and writes them, and with damage."""

import itertools
from pathlib import Path

import pytest

from trainer_module.contract.tfrecord_frames import (
    DamagedRecordError,
    frame_record,
    frame_size,
    read_records,
)

RECORDS = [b"", b"first", b"\x00" * 1000, b"last"]


def content_of(records: list[bytes]) -> bytes:
    return b"".join(itertools.chain.from_iterable(map(frame_record, records)))


def read(path: Path, content: bytes) -> list[bytes | str]:
    """Write a file, and return what is read of it, with errors as their messages."""
    path.write_bytes(content)
    with path.open("rb") as file:
        found = list(read_records(file))
    return [str(one) if isinstance(one, DamagedRecordError) else one for one in found]


@pytest.mark.component
def test_tensorflow_reads_what_is_written_and_writes_what_is_read(tmp_path):
    import tensorflow as tf

    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.write_bytes(content_of(RECORDS))
    assert list(tf.compat.v1.io.tf_record_iterator(str(ours))) == RECORDS
    with tf.io.TFRecordWriter(str(theirs)) as writer:
        for record in RECORDS:
            writer.write(record)
    assert theirs.read_bytes() == ours.read_bytes()


def test_records_are_read_in_their_order_and_take_the_size_that_is_told(tmp_path):
    content = content_of(RECORDS)
    assert read(tmp_path / "file", content) == RECORDS
    assert len(content) == sum(map(frame_size, RECORDS))


def test_wherever_a_file_is_cut_off_the_records_before_are_read(tmp_path):
    content = content_of([b"first", b"second"])
    end = frame_size(b"first")
    for length in range(len(content)):
        expected: list[bytes | str] = [b"first"] if length >= end else []
        if length not in (0, end):
            expected.append("its end is cut off")
        assert read(tmp_path / "file", content[:length]) == expected


def test_a_damaged_record_costs_itself_only(tmp_path):
    content = content_of([b"first", b"second", b"third"]).replace(b"second", b"sexond")
    assert read(tmp_path / "file", content) == [b"first", "a record is damaged", b"third"]


def test_after_a_damaged_length_nothing_is_read(tmp_path):
    content = bytearray(content_of([b"first", b"second"]))
    content[frame_size(b"first") + 3] ^= 1
    expected = [b"first", "a record and all after it are damaged"]
    assert read(tmp_path / "file", bytes(content)) == expected


def test_zeros_after_a_power_failure_are_no_records(tmp_path):
    content = content_of([b"first"]) + bytes(100)
    expected = [b"first", "a record and all after it are damaged"]
    assert read(tmp_path / "file", content) == expected
