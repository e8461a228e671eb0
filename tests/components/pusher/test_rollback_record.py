"""Records of rollbacks."""

import re

import pytest

from components.pusher.rollback_record import Rollback, read_rollback, write_rollback
from trainer_module.contract.model_assets import EXTRA, ROLLBACK_RECORD


def test_a_record_has_time_and_reason_on_one_line(tmp_path):
    (tmp_path / EXTRA).mkdir()
    write_rollback(tmp_path, "wrong\nlabels \udcff")
    text = str(read_rollback(tmp_path))
    assert re.fullmatch(r"rolled back \d{4}-\d\d-\d\d \d\d:\d\d: wrong\\nlabels \\udcff", text)


def test_without_a_reason_the_time_is_kept(tmp_path):
    (tmp_path / EXTRA).mkdir()
    write_rollback(tmp_path, "")
    assert re.fullmatch(r"rolled back [\d-]+ [\d:]+", str(read_rollback(tmp_path)))


@pytest.mark.parametrize("content", [None, b"", b"\0\0", b"[]", b'{"reason": 7}'])
def test_a_missing_or_damaged_record_is_an_empty_one(tmp_path, content):
    (tmp_path / EXTRA).mkdir()
    if content is not None:
        (tmp_path / ROLLBACK_RECORD).write_bytes(content)
    assert read_rollback(tmp_path) == Rollback()
    assert str(Rollback()) == "rolled back"
