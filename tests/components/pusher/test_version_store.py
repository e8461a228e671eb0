import errno
import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_pictures import write_files

from components.pusher import highest_version, version_store
from components.pusher.model_digest import model_digest
from components.pusher.version_store import Push, VersionStore
from trainer_module.contract.errors import InputError

PUSH = Push(
    digest="digest",
    run_id="20240101-000000",
    run_key="key",
    baseline_version=None,
    pushed_at="2024-01-01T00:00:00+00:00",
    domains={"day": {"accuracy": 0.75, "test_images": 4}},
)

FILES = {f"variables/part-{number:02d}": bytes(1000) for number in range(30)}


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> VersionStore:
    return VersionStore(tmp_path / "workspace", "shapes")


@pytest.fixture(name="model")
def _model(tmp_path: Path) -> Path:
    return write_files(tmp_path / "model", {"saved_model.pb": b"graph", **FILES})


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_before_the_first_push_there_is_no_version(store):
    assert store.versions() == []
    assert store.newest() is None
    assert store.find("digest") is None


def test_a_version_is_a_copy_of_the_model_with_the_record_of_its_push(store, model):
    assert store.push(model, PUSH) == 1
    assert store.path(1) == store.root / "serving" / "shapes" / "1"
    assert files(store.path(1)) == files(model) | {"assets.extra/push.json"}
    assert (store.path(1) / "saved_model.pb").read_bytes() == b"graph"
    assert store.read_push(1) == PUSH
    assert "assets.extra/push.json" not in files(model)


def test_versions_have_consecutive_numbers_and_are_sorted_as_numbers(store, model):
    assert [store.push(model, PUSH) for _ in range(11)] == list(range(1, 12))
    assert store.versions() == list(range(1, 12))
    assert store.newest() == 11


def test_other_files_in_the_serving_directory_are_no_versions(store, model):
    store.push(model, PUSH)
    write_files(
        store.serving,
        {"readme.txt": b"", "tmp-2/saved_model.pb": b"", "02/saved_model.pb": b"", "9": b""},
    )
    assert store.versions() == [1]
    assert store.push(model, PUSH) == 2


def test_every_model_of_a_workspace_has_its_own_numbers(store, model):
    store.push(model, PUSH)
    assert VersionStore(store.root, "other").push(model, PUSH) == 1


def test_a_rollback_moves_the_newest_version_and_keeps_it(store, model):
    store.push(model, PUSH)
    store.push(model, PUSH)
    assert store.roll_back() == (2, 1)
    assert store.versions() == [1]
    assert files(store.rolled_back / "2") == files(model) | {"assets.extra/push.json"}


def test_the_number_of_a_version_that_was_rolled_back_is_not_used_again(store, model):
    store.push(model, PUSH)
    store.push(model, PUSH)
    store.roll_back()
    assert store.push(model, PUSH) == 3
    assert store.roll_back() == (3, 1)
    assert store.push(model, PUSH) == 4


def test_a_version_that_was_rolled_back_stays_so_when_its_folder_is_deleted(store, model):
    for baseline in (None, 1, 2):
        store.push(model, replace(PUSH, baseline_version=baseline))
    store.roll_back()
    shutil.rmtree(store.rolled_back)
    assert [store.is_rolled_back(version) for version in (1, 2, 3)] == [False, False, True]
    assert store.push(model, replace(PUSH, baseline_version=2)) == 4
    assert store.push(model, replace(PUSH, baseline_version=4)) == 5
    for version in (1, 2):  # an old version that someone deletes is in training all the same
        shutil.rmtree(store.path(version))
    assert [store.is_rolled_back(version) for version in (1, 2, 3)] == [False, False, True]


def test_a_version_that_was_moved_out_by_hand_is_out_of_service(store, model):
    store.push(model, PUSH)
    store.push(model, replace(PUSH, baseline_version=1))
    store.path(2).rename(store.root / "kept")
    assert [store.is_rolled_back(version) for version in (1, 2)] == [False, True]
    store.push(model, replace(PUSH, baseline_version=1))
    assert [store.is_rolled_back(version) for version in (1, 2, 3)] == [False, True, False]
    (store.root / "kept").rename(store.path(2))
    assert not store.is_rolled_back(2)


def test_ancestors_of_versions_from_before_they_were_kept_are_found_in_the_records(store, model):
    for baseline in (None, 1, 2, 2):
        store.push(model, replace(PUSH, baseline_version=baseline))
        if baseline == 2 and store.newest() == 3:
            store.roll_back()
    for version in store.versions():
        record = store.path(version) / "assets.extra" / "push.json"
        content = json.loads(record.read_text())
        assert content.pop("ancestors") == list(range(1, min(version, 3)))
        record.write_text(json.dumps(content))
    shutil.rmtree(store.rolled_back)
    shutil.rmtree(store.path(1))
    assert [store.is_rolled_back(version) for version in (1, 2, 3)] == [False, False, True]
    shutil.rmtree(store.path(2))  # of versions before it, nothing is known any more
    assert [store.is_rolled_back(version) for version in (1, 2, 3)] == [False, False, True]
    (store.path(4) / "assets.extra" / "push.json").unlink()
    assert [store.is_rolled_back(version) for version in (1, 2, 3, 5)] == [
        False,
        False,
        False,
        True,
    ]


def test_a_number_is_not_used_again_when_all_versions_were_deleted(store, model):
    for _ in range(2):
        store.push(model, PUSH)
    shutil.rmtree(store.serving)
    assert store.push(model, PUSH) == 3


def test_a_rollback_does_not_need_the_note_of_its_number(store, model, monkeypatch):
    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    store.push(model, PUSH)
    store.push(model, PUSH)
    monkeypatch.setattr(highest_version, "atomic_write", fail)
    assert store.roll_back() == (2, 1)
    assert store.push(model, PUSH) == 3


@pytest.mark.parametrize("pushes", [0, 1])
def test_a_rollback_needs_an_earlier_version(store, model, pushes):
    for _ in range(pushes):
        store.push(model, PUSH)
    with pytest.raises(ValueError, match=f"model 'shapes' has {pushes} version") as error:
        store.roll_back()
    assert "a rollback needs an earlier one" in str(error.value)
    assert store.versions() == list(range(1, pushes + 1))


def test_the_incomplete_copy_of_a_killed_push_is_replaced(store, model, tmp_path, monkeypatch):
    def killed(folder: Path) -> None:
        raise KeyboardInterrupt

    bigger = write_files(tmp_path / "bigger", {"saved_model.pb": b"x", "only/here": b"x"})
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(version_store, "sync_folder", killed)
        store.push(bigger, PUSH)
    assert store.versions() == []

    assert store.push(model, PUSH) == 1
    assert files(store.path(1)) == files(model) | {"assets.extra/push.json"}
    names = {path.split("/")[0] for path in files(store.root)}
    assert names == {"serving", ".highest-version-shapes"}


def test_a_model_is_found_by_its_digest_serving_or_not(store, model):
    store.push(model, replace(PUSH, digest="first"))
    store.push(model, replace(PUSH, digest="second"))
    assert store.find("first") == (1, True)
    assert store.find("second") == (2, True)
    store.roll_back()
    assert store.find("second") == (2, False)
    assert store.find("third") is None


def test_a_reader_never_sees_a_version_without_all_of_its_files(store, model):
    complete = files(model) | {"assets.extra/push.json"}
    seen: set[int] = set()
    partial: list[int] = []
    done = threading.Event()

    def poll() -> None:
        while not done.is_set():
            for version in store.versions():
                seen.add(version)
                if files(store.path(version)) != complete:
                    partial.append(version)

    reader = threading.Thread(target=poll)
    reader.start()
    try:
        for _ in range(20):
            store.push(model, PUSH)
    finally:
        done.set()
        reader.join()
    assert partial == []
    assert seen


def test_the_digest_of_a_model_depends_on_contents_and_names_but_not_on_its_folder(model, tmp_path):
    digest = model_digest(model)
    assert len(digest) == 64
    moved = model.rename(tmp_path / "elsewhere")
    assert model_digest(moved) == digest
    (moved / "saved_model.pb").write_bytes(b"other")
    assert model_digest(moved) != digest
    (moved / "saved_model.pb").write_bytes(b"graph")
    assert model_digest(moved) == digest
    (moved / "saved_model.pb").rename(moved / "renamed.pb")
    assert model_digest(moved) != digest


def test_the_digest_tells_a_file_from_the_content_of_the_file_before_it(tmp_path):
    first = write_files(tmp_path / "first", {"a": b"", "b": b"x"})
    second = write_files(tmp_path / "second", {"a": b"b\0x"})
    assert model_digest(first) != model_digest(second)


def test_the_record_of_a_push_is_readable_without_our_code(store, model):
    store.push(model, PUSH)
    record = json.loads((store.path(1) / "assets.extra" / "push.json").read_text())
    assert record["domains"]["day"]["accuracy"] == 0.75


def test_a_folder_that_was_not_pushed_is_refused_by_name(store):
    write_files(store.path(7), {"saved_model.pb": b"graph"})
    with pytest.raises(InputError, match=r"7 was not pushed by carryover.* move the folder out"):
        store.read_push(7)
