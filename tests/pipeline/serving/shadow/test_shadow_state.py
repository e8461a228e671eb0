"""The file with the state of a shadow."""

import json

import pytest
from unreadable_folder import unreadable

from components.pusher.promoted_version import read_promoted, shadow_file
from components.pusher.version_store import VersionStore
from pipeline.serving.shadow.shadow_record import ShadowRecord
from pipeline.serving.shadow.shadow_state import (
    ShadowState,
    open_shadow_state,
    read_shadow_state,
    write_shadow_state,
)
from trainer_module.contract.atomic_write import DRAFT_SUFFIX
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
    with pytest.raises(UnavailableError, match=r"shapes\.json is damaged: .*remove it"):
        open_shadow_state(file, is_on=True)


def test_a_state_that_may_not_be_read_is_an_error_that_servers_without_a_shadow_tell(
    tmp_path, capsys
):
    file = tmp_path / "shadow" / "shapes.json"
    write_shadow_state(file, ShadowState(3).to_json())
    with unreadable(file.parent):
        with pytest.raises(UnavailableError, match="permission denied"):
            open_shadow_state(file, is_on=True)
        assert open_shadow_state(file, is_on=False) == ShadowState()
    assert "permission denied" in capsys.readouterr().err
    assert read_shadow_state(file).promoted == 3


def test_a_server_without_a_shadow_starts_beside_a_damaged_state_and_leaves_it(tmp_path, capsys):
    file = tmp_path / "shapes.json"
    file.write_text("{")
    assert open_shadow_state(file, is_on=False) == ShadowState()
    assert "shapes.json is damaged" in capsys.readouterr().err
    assert file.read_text() == "{"


@pytest.mark.parametrize("content", ["{", "[]", '{"promoted": "x"}', '{"promoted": true}'])
def test_who_looks_for_the_promoted_version_in_a_damaged_state_is_told(tmp_path, content):
    store = VersionStore(tmp_path, "shapes")
    assert read_promoted(store) is None
    write_shadow_state(shadow_file(store), content.encode())
    with pytest.raises(UnavailableError, match=r"remove it: .* even if it has failed in shadow"):
        read_promoted(store)


def test_a_server_without_a_shadow_lets_every_version_serve_later(tmp_path):
    file = tmp_path / "shadow" / "shapes.json"
    assert open_shadow_state(file, is_on=False) == ShadowState()
    assert not file.exists()
    write_shadow_state(file, ShadowState(3).to_json())
    assert open_shadow_state(file, is_on=False).promoted is None
    assert read_shadow_state(file).promoted is None


@pytest.mark.parametrize("is_on", [True, False])
def test_a_state_of_an_earlier_version_of_carryover_tells_when_its_version_began_to_serve(
    tmp_path, is_on
):
    file = tmp_path / "shapes.json"
    file.write_text('{"promoted": 3, "promoted_at": "2024-01-01T00:00:00+00:00", "shadow": null}')
    state = open_shadow_state(file, is_on)
    assert state.time_of_promotion(3) == "2024-01-01T00:00:00+00:00"
    assert [state.time_of_promotion(number) for number in (2, 4, None)] == ["", "", ""]


def test_a_server_without_a_shadow_that_cannot_write_tells_when_its_version_began_to_serve(
    tmp_path, capsys
):
    file = tmp_path / "shapes.json"
    write_shadow_state(file, ShadowState(3, None, "2024-01-01T00:00:00+00:00").to_json())
    file.with_name(f"{file.name}{DRAFT_SUFFIX}").mkdir()
    state = open_shadow_state(file, is_on=False)
    assert "cannot be written" in capsys.readouterr().err
    assert (state.promoted, state.promoted_at) == (None, "2024-01-01T00:00:00+00:00")


def test_every_model_of_a_workspace_has_a_state_of_its_own(tmp_path):
    for name, promoted in (("cars", 3), ("birds", 5)):
        write_shadow_state(
            shadow_file(VersionStore(tmp_path, name)), ShadowState(promoted).to_json()
        )
    assert read_shadow_state(shadow_file(VersionStore(tmp_path, "cars"))).promoted == 3
