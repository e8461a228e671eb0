"""The list of a version's files, and versions that have lost some."""

import errno
import json
import os
from pathlib import Path

import pytest
from damaged_files import replace_by_a_folder
from tiny_pictures import write_files

from components.pusher.version_files import find_damages, list_files
from components.pusher.version_store import Push, VersionStore
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.model_assets import PUSH_RECORD, REFERENCE, TEST_PREDICTIONS

FILES = {
    "saved_model.pb": b"graph",
    "variables/variables.index": b"index",
    REFERENCE: b"embeddings",
    TEST_PREDICTIONS: b"predictions",
}


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> VersionStore:
    store = VersionStore(tmp_path / "workspace", "shapes")
    model = write_files(tmp_path / "model", FILES)
    push = Push("digest", "run", "key", None, "2024-01-01T00:00:00", {})
    store.push(model, push, lambda folder: write_files(folder, {"assets.extra/late": b"of push"}))
    return store


def damage_texts(store: VersionStore) -> list[str]:
    return [str(damage) for damage in find_damages(store.path(1), store.read_push(1).files)]


def test_the_record_of_a_push_lists_the_files_that_the_push_wrote(store):
    sizes = {name: len(content) for name, content in FILES.items()}
    expected = sizes | {"assets.extra/late": 7, TEST_PREDICTIONS: None}
    assert store.read_push(1).files == list_files(store.path(1)) == expected
    store.check_files(1)


@pytest.mark.parametrize(
    ("name", "prevents_serving"),
    [
        ("saved_model.pb", True),
        ("variables/variables.index", True),
        (REFERENCE, False),
        (TEST_PREDICTIONS, False),
        ("assets.extra/late", False),
    ],
)
def test_a_lost_file_is_named_with_its_version_and_the_remedy(store, name, prevents_serving):
    (store.path(1) / name).unlink()
    with pytest.raises(UnavailableError) as error:
        store.check_files(1)
    assert str(error.value).startswith(f"version {store.path(1)} is damaged: {name} is missing. ")
    assert "Restore the version from a backup" in str(error.value)
    [damage] = find_damages(store.path(1), store.read_push(1).files)
    assert damage.prevents_serving == prevents_serving


def test_a_file_that_was_cut_off_is_damaged_and_one_that_runs_rewrite_may_change(store):
    (store.path(1) / REFERENCE).write_bytes(b"emb")
    (store.path(1) / TEST_PREDICTIONS).write_bytes(b"predictions with slices")
    replace_by_a_folder(store.path(1) / "saved_model.pb")
    expected = [f"{REFERENCE} has 3 bytes in place of 10", "saved_model.pb is no file"]
    assert damage_texts(store) == expected


def test_several_lost_files_are_counted(store):
    for name in FILES:
        (store.path(1) / name).unlink()
    with pytest.raises(UnavailableError, match=r"is missing \(and 3 more of its files\)\. Restore"):
        store.check_files(1)


def test_a_file_that_the_disk_does_not_return_is_told_as_such(store, monkeypatch):
    stat = Path.stat

    def fail(path: Path, **options: bool) -> os.stat_result:
        if path.name == "saved_model.pb":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", fail)
    assert damage_texts(store) == ["saved_model.pb cannot be read (Input/output error)"]


@pytest.mark.parametrize("files", ["missing", None])
def test_of_a_version_of_an_older_carryover_nothing_is_known(store, files):
    record = store.path(1) / PUSH_RECORD
    values = json.loads(record.read_text())
    values.pop("files")
    record.write_text(json.dumps(values if files else {**values, "files": None}))
    (store.path(1) / REFERENCE).unlink()
    store.check_files(1)
    assert store.read_push(1).files is None


def test_files_that_came_to_a_version_later_are_no_damage(store):
    write_files(store.path(1), {"assets.extra/rollback.json": b"{}", "new": b""})
    store.check_files(1)
