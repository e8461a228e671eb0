import contextlib
import hashlib
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_pictures import solid, write_files

from pipeline.retraining import batch_store
from pipeline.retraining.batch_store import BatchChangedError, BatchStore
from pipeline.retraining.inbox import Delivery

RED, BLUE = solid("red"), solid("blue")
FILES = {
    "_READY": b"",
    "night/cat/1.png": RED,
    "night/_unlabelled/2.png": BLUE,
    "loose.png": RED,
}


def delivery(path: Path) -> Delivery:
    return Delivery(path.name, path, complete=True, changed=0)


@pytest.fixture(name="inbox")
def _inbox(tmp_path: Path) -> Path:
    write_files(tmp_path / "inbox" / "batch", FILES)
    return tmp_path / "inbox"


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> BatchStore:
    return BatchStore(tmp_path / "batches")


def test_a_copy_has_a_row_for_every_file(inbox, store, tmp_path):
    digest = store.add(delivery(inbox / "batch")).digest
    shutil.rmtree(inbox)  # the copy does not need the original
    rows = {row["name"]: row for row in store.read(digest)}
    assert set(rows) == {"night/cat/1.png", "night/_unlabelled/2.png", "loose.png"}
    cat = rows["night/cat/1.png"]
    assert (cat["domain"], cat["label"]) == ("night", "cat")
    assert cat["sha256"] == hashlib.sha256(RED).hexdigest()
    assert (tmp_path / cat["path"]).read_bytes() == RED
    assert rows["night/_unlabelled/2.png"]["label"] == ""
    assert rows["loose.png"]["reason"] == "not in <domain>/<class>/"


def test_the_original_stays_as_it_is(inbox, store):
    store.add(delivery(inbox / "batch"))
    found = {
        str(path.relative_to(inbox / "batch")): path.read_bytes()
        for path in (inbox / "batch").rglob("*")
        if path.is_file()
    }
    assert found == FILES


def test_the_digest_depends_on_names_classes_and_contents(inbox, store):
    first = store.add(delivery(inbox / "batch")).digest
    shutil.copytree(inbox / "batch", inbox / "again")
    assert store.add(delivery(inbox / "again")).digest == first
    (inbox / "again" / "night" / "cat").rename(inbox / "again" / "night" / "dog")
    assert store.add(delivery(inbox / "again")).digest != first


def test_a_batch_that_changes_while_it_is_copied_leaves_nothing_behind(
    inbox, store, tmp_path, monkeypatch
):
    stamps = iter(("before", "after"))
    monkeypatch.setattr(batch_store, "file_stamp", lambda _: next(stamps))
    with pytest.raises(BatchChangedError):
        store.add(delivery(inbox / "batch"))
    assert list((tmp_path / "batches").iterdir()) == []


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the kernel refuse to write larger files, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_nothing_half_copied_and_the_batch_can_be_copied_later(
    inbox, store, tmp_path
):
    with files_of_at_most(len(RED) - 1), pytest.raises(OSError, match="File too large"):
        store.add(delivery(inbox / "batch"))
    assert list((tmp_path / "batches").iterdir()) == []
    digest = store.add(delivery(inbox / "batch")).digest
    assert len(store.read(digest)) == 3


def test_the_files_of_a_killed_copy_are_removed(inbox, store, tmp_path):
    write_files(tmp_path / "batches" / ".incoming", {"files/ab/half.png": b"half"})
    digest = store.add(delivery(inbox / "batch")).digest
    assert [path.name for path in (tmp_path / "batches").iterdir()] == [digest]
    assert not (tmp_path / "batches" / digest / "files" / "ab" / "half.png").exists()


def test_the_pictures_of_a_manifest_are_copied_too(inbox, store, tmp_path):
    manifest = inbox / "list.csv"
    manifest.write_text(
        "path,domain,label,split\nbatch/night/cat/1.png,fog,cat,test\nno.png,a,b,\n"
    )
    digest = store.add(delivery(manifest)).digest
    first, second = store.read(digest)
    assert (first["domain"], first["label"], first["split"]) == ("fog", "cat", "test")
    assert (tmp_path / first["path"]).read_bytes() == RED
    assert second["reason"].startswith("cannot be opened")
