"""The file with the state of a shadow."""

import json

import pytest

from components.pusher.version_store import VersionStore
from pipeline.serving.shadow.shadow_record import ShadowRecord
from pipeline.serving.shadow.shadow_state import (
    ShadowState,
    open_shadow_state,
    read_shadow_state,
    shadow_file,
    write_shadow_state,
)
from trainer_module.contract.errors import UnavailableError


def test_a_state_is_read_as_it_was_written(tmp_path):
    record = ShadowRecord(4, "digest", 3, "2024-01-01T00:00:00+00:00", dropped=2)
    record.add("day", "cat", "dog", is_confident=True)
    file = tmp_path / "shadow" / "shapes.json"
    write_shadow_state(file, ShadowState(3, record).to_json())
    read = read_shadow_state(file)
    assert read == ShadowState(3, record)
    read.shadow.add("day", "cat", "dog", is_confident=False)
    assert [(one.pictures, one.confident) for one in read.shadow.pairs] == [(2, 1)]


def test_without_a_file_there_is_no_state(tmp_path):
    assert read_shadow_state(tmp_path / "none.json") == ShadowState()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"promoted": "x"}', json.dumps({"shadow": {"version": 3}})]
)
def test_a_damaged_state_is_named_with_what_to_do(tmp_path, content):
    file = tmp_path / "shapes.json"
    file.write_text(content)
    with pytest.raises(UnavailableError, match=r"shapes\.json is damaged: .*Remove it"):
        open_shadow_state(file, is_on=True)


def test_a_server_without_a_shadow_lets_every_version_serve_later(tmp_path):
    file = tmp_path / "shadow" / "shapes.json"
    assert open_shadow_state(file, is_on=False) is None
    assert not file.exists()
    write_shadow_state(file, ShadowState(3).to_json())
    assert open_shadow_state(file, is_on=False) is None
    assert read_shadow_state(file).promoted is None


def test_every_model_of_a_workspace_has_a_state_of_its_own(tmp_path):
    for name, promoted in (("cars", 3), ("birds", 5)):
        write_shadow_state(
            shadow_file(VersionStore(tmp_path, name)), ShadowState(promoted).to_json()
        )
    assert read_shadow_state(shadow_file(VersionStore(tmp_path, "cars"))).promoted == 3
