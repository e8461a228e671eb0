from dataclasses import replace
from pathlib import Path

import pytest
from rendered_tables import row
from tiny_pictures import write_files

from components.pusher.version_store import Push, VersionStore
from pipeline.version_lookup import find_store, roll_back, show_versions
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError

PUSH = Push("digest", "20240101-000000", "key", None, "2024-01-01T00:00:00+00:00", {})


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    return tmp_path / "my [old] workspace"


def pushed(root: Path, name: str, *accuracies: dict[str, float]) -> VersionStore:
    store = VersionStore(root, name)
    model = write_files(root.parent / "model", {"saved_model.pb": b"graph"})
    for accuracy in accuracies:
        domains = {domain: {"accuracy": value} for domain, value in accuracy.items()}
        store.push(model, replace(PUSH, domains=domains))
    return store


def test_the_only_model_of_a_workspace_needs_no_name(root):
    pushed(root, "shapes", {})
    assert find_store(root, None) == VersionStore(root, "shapes")


def test_among_several_models_a_name_decides(root):
    pushed(root, "shapes", {})
    pushed(root, "animals", {})
    assert find_store(root, "shapes").name == "shapes"
    with pytest.raises(InputError, match="Give --name: animals, shapes"):
        find_store(root, None)
    with pytest.raises(InputError, match=r"has no model 'plants'\. It holds: animals, shapes"):
        find_store(root, "plants")


def test_for_a_workspace_without_models_the_error_names_the_command_to_run(root):
    with pytest.raises(InputError) as error:
        find_store(root, None)
    assert str(error.value) == (
        f"no model has been pushed to {root / 'serving'} yet. Give the workspace of a run with "
        "--workspace DIR, or run: carryover run"
    )


def test_a_folder_of_models_that_cannot_be_read_is_not_taken_for_an_empty_one(root, monkeypatch):
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match="serving cannot be read: Permission denied"):
        find_store(root, None)


def test_a_file_is_not_a_workspace(root):
    root.write_bytes(b"")
    with pytest.raises(InputError, match="no model has been pushed"):
        find_store(root, None)


def test_the_table_of_versions_has_every_domain_and_marks_the_serving_version(root, capsys):
    show_versions(pushed(root, "shapes", {"day": 0.5}, {"day": 0.75, "[fog]": 1}))
    text = capsys.readouterr().out
    head, first, second = (row(text, name) for name in ("version", "1 ", "2 (serving)"))
    assert (head[0], head[-2:]) == ("version", ["[fog]", "day"])
    assert first[-3:] == ["2024-01-01 00:00", "-", "0.500"]
    assert second[-3:] == ["2024-01-01 00:00", "1.000", "0.750"]
    assert str(root / "serving" / "shapes") in text


def test_a_rollback_prints_the_serving_version_and_where_the_other_is_kept(root, capsys):
    roll_back(pushed(root, "shapes", {}, {}))
    assert capsys.readouterr().out == (
        "Version 2 is out of service; "
        f"it is kept in {root / 'rolled_back' / 'shapes' / '2'}. "
        "The serving version is now 1.\n"
    )


def test_a_rollback_of_the_only_version_is_an_input_error(root):
    store = pushed(root, "shapes", {})
    with pytest.raises(InputError, match="needs an earlier one"):
        roll_back(store)
    assert store.versions() == [1]


def test_no_version_is_rolled_back_while_a_run_uses_the_workspace(root):
    store = pushed(root, "shapes", {}, {})
    with Workspace(root).lock(), pytest.raises(InputError, match="is in use"):
        roll_back(store)
    assert store.versions() == [1, 2]
