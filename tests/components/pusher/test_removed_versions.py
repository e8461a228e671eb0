"""Versions that were removed to free the disk count as before, but for what was removed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_pictures import write_files

from components.pusher.push_record import Push
from components.pusher.version_store import VersionStore
from components.pusher.version_use import is_in_use, mark_in_use
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.model_assets import DESCRIPTION, PUSH_RECORD, TEST_PREDICTIONS


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> VersionStore:
    """Three versions, of which the first was removed."""
    store = VersionStore(tmp_path / "workspace", "shapes")
    for number in (1, 2, 3):
        digest = f"model {number}"
        files = {"saved_model.pb": digest.encode(), DESCRIPTION: b"{}", TEST_PREDICTIONS: b"rows"}
        model = write_files(tmp_path / digest, files)
        moment = f"2024-01-0{number}T00:00:00+00:00"
        store.push(
            model,
            Push(digest, f"run {number}", "key", store.newest(), moment, {}, f"batch {number}"),
        )
    store.remove(1)
    return store


def test_a_removed_version_is_listed_with_its_record_and_is_not_rolled_back(store):
    assert store.versions() == [2, 3]
    assert store.removed_versions() == [1]
    assert [(number, push.digest, serving) for number, push, serving in store.pushes()] == [
        (3, "model 3", True),
        (2, "model 2", True),
        (1, "model 1", True),
    ]
    assert not store.is_rolled_back(1)
    assert store.read_any(1).run_id == "run 1"
    assert store.find_batch("batch 1") == 1


def test_a_model_whose_version_was_removed_may_be_pushed_again(store):
    assert store.find("model 1") is None
    assert store.find("model 2") == (2, True)


def test_what_is_left_of_a_removed_version_is_checked_and_nothing_else(store):
    (store.removed / "1" / "saved_model.pb").unlink()
    store.check_files(1)
    (store.removed / "1" / TEST_PREDICTIONS).unlink()
    with pytest.raises(UnavailableError, match=r"test_predictions\.parquet is missing"):
        store.check_files(1)


def test_a_version_that_was_put_back_counts_and_can_be_removed_again(store, tmp_path):
    write_files(store.path(1), {"saved_model.pb": b"restored", PUSH_RECORD: b"{}"})
    assert store.versions() == [1, 2, 3]
    assert store.removed_versions() == []
    store.remove(1)
    assert (store.folder(1) / "saved_model.pb").read_bytes() == b"restored"


def test_a_version_is_in_use_as_long_as_a_process_has_marked_it(store):
    folder = store.path(2)
    assert not is_in_use(folder)
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
        "from components.pusher.version_use import mark_in_use;"
        "print(mark_in_use(Path(sys.argv[2])) is not None, flush=True); sys.stdin.read()"
    )
    root = str(Path(__file__).parents[3])
    with subprocess.Popen(
        [sys.executable, "-c", program, root, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "True\n"
        assert is_in_use(folder)
        second = mark_in_use(folder)  # by several servers at a time
        assert second is not None
        os.close(second)
        process.kill()
    assert not is_in_use(folder)


def test_a_version_without_a_record_can_neither_be_marked_nor_is_it_in_use(tmp_path):
    assert mark_in_use(tmp_path) is None
    assert not is_in_use(tmp_path)
