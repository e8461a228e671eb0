"""Records as tf.Examples."""

import subprocess
import sys
from dataclasses import replace

import pytest
from tiny_traffic import record

from pipeline.traffic.traffic_record import parse_record, serialize_record

pytestmark = pytest.mark.component


@pytest.mark.parametrize(
    "original",
    [
        record(1_764_000_000.123456, b"\xff\xd8\x00\n", "night"),
        replace(record(), domain="", novelty=None, accepted=None),
        replace(record(), model="colours"),
        replace(record(), accepted=False, novelty=0.0, label="caf\u00e9 \udcff"),
    ],
)
def test_a_record_is_read_as_it_was_written(original):
    assert parse_record(serialize_record(original)) == original


def test_the_prediction_is_no_true_class_for_those_that_read_examples():
    from tensorflow.core.example.example_pb2 import Example

    names = set(Example.FromString(serialize_record(record())).features.feature)
    assert names >= {"image", "domain", "predicted_label", "confidence"}
    assert "label" not in names


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (b"\x0a\xff\xff", "not a serialized tf.Example"),
        (b"", "no feature time_us"),
        (serialize_record(record()).replace(b"predicted_label", b"predicted_lapel"), "no feature"),
    ],
)
def test_anything_else_is_refused(damaged, message):
    with pytest.raises(ValueError, match=message):
        parse_record(damaged)


def test_the_room_is_imported_without_tensorflow():
    code = "import sys, pipeline.traffic.traffic_store; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
