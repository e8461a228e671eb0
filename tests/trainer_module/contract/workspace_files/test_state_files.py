"""Files of a workspace that are missing or damaged: the message names the file and the remedy."""

import json
from pathlib import Path

import pytest
from damaged_files import (
    cut_off,
    damage_id,
    empty,
    fill_with_zeros,
    remove,
    replace_by_a_folder,
    replace_by_a_list,
    replace_by_binary,
)

from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.workspace_files.state_files import (
    read_json_object,
    read_state,
    reading,
)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"key": "value"}))
    return path


def test_an_undamaged_file_is_read(path):
    assert read_json_object(path, "state", "Restore it.") == {"key": "value"}
    assert read_state(path, "state", "Restore it.") == b'{"key": "value"}'


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (remove, "is missing. Restore it."),
        (empty, "is damaged: it is empty. Restore it."),
        (fill_with_zeros, "is damaged: it is empty. Restore it."),
        (cut_off, "is damaged: Expecting value: line 1 column 9 (char 8). Restore it."),
        (replace_by_binary, "is damaged: Expecting value: line 1 column 1 (char 0). Restore it."),
        (replace_by_a_list, "is damaged: it holds no JSON object. Restore it."),
        (replace_by_a_folder, "cannot be read: Is a directory. Restore it."),
    ],
    ids=damage_id,
)
def test_the_message_names_the_file_the_problem_and_the_remedy(path, damage, problem):
    damage(path)
    with pytest.raises(UnavailableError) as error:
        read_json_object(path, "state", "Restore it.")
    assert str(error.value) == f"state {path} {problem}"


def test_bytes_that_are_no_text_and_json_that_is_too_deep_are_damage(path):
    path.write_bytes(b'{"key": "\xff"}')
    with pytest.raises(UnavailableError, match=r"state\.json is damaged: .*decode.* Restore it"):
        read_json_object(path, "state", "Restore it.")
    path.write_text("[" * 100_000)
    with pytest.raises(UnavailableError, match=r"state\.json is damaged: .*recursion.* Restore it"):
        read_json_object(path, "state", "Restore it.")


def test_a_file_that_this_user_may_not_read_is_not_called_damaged(path, monkeypatch):
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UnavailableError) as error:
        read_state(path, "state", "Restore it.")
    assert str(error.value) == (
        f"state {path} cannot be read: permission denied. Make it readable for this user."
    )


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (ValueError("Magic bytes not found.\nmore"), "Magic bytes not found"),
        (OSError(5, "Input/output error"), "[Errno 5] Input/output error"),
        (KeyError(), "KeyError"),
    ],
)
def test_any_error_of_a_library_is_told_with_the_file(path, problem, text):
    with pytest.raises(UnavailableError) as error, reading(path, "weights", "Restore it."):
        raise problem
    assert str(error.value) == f"weights {path} cannot be read: {text}. Restore it."
    assert error.value.__cause__ is problem


def test_a_message_that_names_a_file_already_stays_as_it_is(path):
    with (
        pytest.raises(UnavailableError, match=r"^inner\.$"),
        reading(path, "weights", "Restore it."),
    ):
        raise UnavailableError("inner.")
