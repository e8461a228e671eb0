import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rendered_tables import row
from tiny_pictures import write_files

from components.pusher.rollback_record import Rollback
from components.pusher.version_store import Push, VersionStore
from pipeline import version_lookup
from pipeline.version_lookup import (
    find_rollbacks,
    find_store,
    find_stores,
    roll_back,
    show_versions,
)
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.model_assets import REFERENCE

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
        "The serving version is now 1. "
        f"To put version 2 back, move that folder to {root / 'serving' / 'shapes' / '2'}.\n"
    )


def test_a_rolled_back_version_is_listed_with_time_and_reason(root, capsys):
    store = pushed(root, "shapes", {"day": 0.5}, {"day": 0.75})
    roll_back(store, "blurred\npictures")
    capsys.readouterr()
    show_versions(store)
    text = capsys.readouterr().out
    assert row(text, "1 (serving)")[-1] == "0.500"
    assert row(text, "2 (rolled back)")[-1] == "0.750"
    assert re.search(r"\nVersion 2 was rolled back [\d-]+ [\d:]+: blurred\\npictures\n", text)


def test_a_rollback_without_a_record_is_listed_too(root, capsys):
    store = pushed(root, "shapes", {}, {})
    store.roll_back()
    show_versions(store)
    text = capsys.readouterr().out
    assert row(text, "2 (rolled back)")
    assert "was rolled back" not in text


def test_a_version_that_was_accepted_is_listed_with_the_reason(root, capsys):
    store = VersionStore(root, "shapes")
    model = write_files(root.parent / "model", {"saved_model.pb": b"graph"})
    store.push(model, replace(PUSH, accepted="we know"))
    show_versions(store)
    assert "Version 1 was accepted: we know" in capsys.readouterr().out.splitlines()


def test_a_full_disk_keeps_no_version_in_service(root, capsys, monkeypatch):
    def refuse(version: Path, reason: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(version_lookup, "write_rollback", refuse)
    store = pushed(root, "shapes", {}, {})
    roll_back(store, "why")
    assert store.versions() == [1]
    assert capsys.readouterr().err == (
        "carryover: the reason of the rollback is not kept: No space left on device\n"
    )


def be_killed(*_: object) -> None:
    """Stand for a kill of the process."""
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("killed_at", "is_made"), [("write_rollback", False), ("SafeConsole", True)]
)
def test_a_rollback_that_is_killed_is_not_made_or_has_its_reason(
    root, monkeypatch, capsys, killed_at, is_made
):
    store = pushed(root, "shapes", {}, {}, {})
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(version_lookup, killed_at, be_killed)
        roll_back(store, "why")
    if not is_made:
        assert store.versions() == [1, 2, 3]
        roll_back(store, "why")
    assert store.versions() == [1, 2]
    capsys.readouterr()
    show_versions(store)
    assert re.search(r"\nVersion 3 was rolled back [\d: -]+: why\n", capsys.readouterr().out)


def test_rollbacks_are_found_by_batch_and_version(root):
    pushed(root, "animals", {}, {})
    store = VersionStore(root, "shapes")
    model = write_files(root.parent / "model", {"saved_model.pb": b"graph"})
    for batch in (None, "a", "b"):
        store.push(model, replace(PUSH, batch=batch))
    roll_back(store, "why")
    store.roll_back()
    rollbacks = find_rollbacks(root)
    assert rollbacks.keys() == {("b", 3), ("a", 2)}
    assert rollbacks["b", 3].reason == "why"
    assert rollbacks["a", 2] == Rollback()


def test_rollbacks_whose_versions_were_deleted_are_found_by_what_was_pushed(root):
    store = pushed(root, "shapes", {}, {})
    roll_back(store, "why")
    shutil.rmtree(store.rolled_back)
    assert find_rollbacks(root) == {}
    assert find_rollbacks(root, [("a", 1), ("b", 2), ("c", None)]) == {("b", 2): Rollback()}


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


def test_versions_names_a_version_that_lost_a_file_on_stderr(root, capsys):
    store = pushed(root, "shapes", {}, {})
    (store.path(1) / "saved_model.pb").unlink()
    show_versions(store)
    assert capsys.readouterr().err == (
        f"carryover: version {store.path(1)} is damaged: saved_model.pb is missing. Restore the "
        "version from a backup, or take it out of service with carryover rollback.\n"
    )


def test_no_rollback_makes_a_version_serve_that_cannot(root):
    store = pushed(root, "shapes", {}, {})
    (store.path(1) / "saved_model.pb").write_bytes(b"")
    with pytest.raises(InputError, match=r"/1 is damaged: saved_model\.pb has 0 bytes .* serve: "):
        roll_back(store)
    assert store.versions() == [1, 2]


def test_a_rollback_to_a_version_that_only_lost_what_training_needs_warns(root, capsys):
    store = pushed(root, "shapes", {})
    store.push(write_files(root.parent / "other", {REFERENCE: b"embeddings"}), PUSH)
    store.push(root.parent / "model", PUSH)
    (store.path(2) / REFERENCE).unlink()
    roll_back(store)
    assert store.versions() == [1, 2]
    assert capsys.readouterr().err == (
        f"carryover: version {store.path(2)} is damaged: {REFERENCE} is missing. It serves, but "
        "restore it before you retrain.\n"
    )


def test_a_damaged_serving_version_is_rolled_back_without_a_word(root, capsys):
    store = pushed(root, "shapes", {}, {})
    (store.path(2) / "saved_model.pb").unlink()
    roll_back(store)
    assert store.versions() == [1]
    assert capsys.readouterr().err == ""


def test_folders_of_network_storage_are_no_models(root):
    store = pushed(root, "shapes", {})
    for name in ("@eaDir", "#recycle", ".snapshot", "lost+found", "shapes/@eaDir"):
        (root / "serving" / name).mkdir()
    assert find_store(root, None) == store
    assert find_stores(root) == [store]


def test_a_removed_version_is_listed_with_its_accuracy(root, capsys):
    store = pushed(root, "shapes", {"day": 0.5}, {"day": 0.75}, {"day": 0.875})
    store.remove(1)
    show_versions(store)
    text = capsys.readouterr().out
    assert row(text, "1 (removed)")[-1] == "0.500"
    assert row(text, "3 (serving)")[-1] == "0.875"
    assert find_rollbacks(root) == {}
    shutil.rmtree(store.serving)
    assert find_stores(root) == [store]
