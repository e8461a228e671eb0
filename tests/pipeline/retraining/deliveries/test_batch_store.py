import contextlib
import hashlib
import resource
import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_pictures import solid, write_files

from pipeline.retraining.deliveries import batch_store
from pipeline.retraining.deliveries.batch_store import BatchChangedError, BatchStore
from pipeline.retraining.deliveries.inbox import Delivery
from trainer_module.contract.errors import InputError, UnavailableError

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


def test_a_dry_run_replaces_its_link_to_a_damaged_copy_and_not_the_copy(inbox, store, tmp_path):
    digest = store.add(delivery(inbox / "batch")).digest
    link = tmp_path / "batches" / digest
    copy = link.rename(tmp_path / "copy")
    link.symlink_to(copy)
    [cat] = [row for row in store.read(digest) if row["name"] == "night/cat/1.png"]
    (tmp_path / cat["path"]).unlink()
    store.add(delivery(inbox / "batch"))
    assert not link.is_symlink()
    assert (tmp_path / cat["path"]).read_bytes() == RED
    assert not (copy / Path(cat["path"]).relative_to(f"batches/{digest}")).exists()


def test_files_of_systems_are_not_copied_but_counted(inbox, store):
    before = store.add(delivery(inbox / "batch"))
    assert before.notes == ()
    added = ("day/.DS_Store", "night/cat/@eaDir/1.png/thumb.png", "night/cat/3.png.part")
    write_files(inbox / "batch", dict.fromkeys(added, BLUE))
    after = store.add(delivery(inbox / "batch"))
    assert after.digest == before.digest
    assert after.notes == (
        "Left alone: hidden file (1), system file (1), unfinished download (1).",
    )


def test_groups_and_splits_of_a_sidecar_are_part_of_the_batch(inbox, store):
    before = store.add(delivery(inbox / "batch"))
    (inbox / "batch" / "sidecar.csv").write_text("path,group,split\nnight/cat/1.png,tom,test\n")
    after = store.add(delivery(inbox / "batch"))
    assert after.digest != before.digest
    rows = {row["name"]: row for row in store.read(after.digest)}
    assert set(rows) == {"night/cat/1.png", "night/_unlabelled/2.png", "loose.png"}
    assert (rows["night/cat/1.png"]["group"], rows["night/cat/1.png"]["split"]) == ("tom", "test")
    assert "group" not in rows["night/_unlabelled/2.png"]


def test_values_of_slices_are_part_of_the_batch_and_other_columns_are_not(inbox, tmp_path):
    store = BatchStore(tmp_path / "batches", slices=("scanner", "sex"))
    (inbox / "batch" / "sidecar.csv").write_text("path,scanner,name\nnight/cat/1.png,B,Ann\n")
    digest = store.add(delivery(inbox / "batch")).digest
    slices = {row["name"]: row.get("slices") for row in store.read(digest)}
    assert slices["night/cat/1.png"] == {"scanner": "B"}
    assert slices["night/_unlabelled/2.png"] is None
    assert "Ann" not in (tmp_path / "batches" / digest / "listing.jsonl").read_text()


def test_a_sidecar_that_names_a_missing_picture_is_an_input_error(inbox, store):
    (inbox / "batch" / "sidecar.csv").write_text("path,group\nnight/cat/9.png,tom\n")
    with pytest.raises(InputError, match=r"line 2: night/cat/9\.png is no picture of the folder"):
        store.add(delivery(inbox / "batch"))


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
    monkeypatch.setattr(batch_store, "file_stamp", lambda *_: next(stamps))
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
        "path,domain,label,split\nbatch/night/cat/1.png,fog,cat,test\nbatch/night,a,b,\n"
    )
    digest = store.add(delivery(manifest)).digest
    first, second = store.read(digest)
    assert (first["domain"], first["label"], first["split"]) == ("fog", "cat", "test")
    assert (tmp_path / first["path"]).read_bytes() == RED
    assert second["reason"] == "not a regular file"


def test_a_manifest_whose_files_are_missing_is_not_copied(inbox, store, tmp_path):
    manifest = inbox / "list.csv"
    manifest.write_text("path,domain,label\nbatch/night/cat/1.png,fog,cat\nno.png,a,b\n")
    with pytest.raises(UnavailableError, match=r"1 of 2 files is missing; the first is .*/no.png"):
        store.add(delivery(manifest))
    assert not list(tmp_path.glob("batches/*"))


@pytest.mark.parametrize("content", [b"", b"notes", RED[:20]])
def test_a_file_that_is_no_picture_is_not_copied(inbox, store, content):
    (inbox / "batch" / "night" / "cat" / "x.png").write_bytes(content)
    rows = {row["name"]: row for row in store.read(store.add(delivery(inbox / "batch")).digest)}
    row = rows["night/cat/x.png"]
    assert (row["domain"], row["label"], row["sha256"]) == ("night", "cat", "")
    assert row["reason"]
    assert "reason" not in rows["night/cat/1.png"]


def note(name: str, table: str, advice: str = "") -> str:
    return (
        f"{table} has no column {name}, which the config key slices names: its pictures have no "
        f"value of it.{advice}"
    )


def test_a_column_of_a_slice_that_the_sidecar_or_the_manifest_lacks_is_named_with_a_similar_one(
    inbox, tmp_path
):
    store = BatchStore(tmp_path / "batches", slices=("scanner", "sex"))
    assert store.add(delivery(inbox / "batch")).notes == ()  # without a table it says nothing
    sidecar = inbox / "batch" / "sidecar.csv"
    sidecar.write_text("path,scaner,sex\nnight/cat/1.png,B,\n")
    assert store.add(delivery(inbox / "batch")).notes == (
        note("scanner", "sidecar.csv", " Did you mean scaner?"),
    )
    row = {"path": "batch/night/cat/1.png", "domain": "night", "label": "cat", "Sexx": "F"}
    tables = (inbox / "monday.csv", inbox / "monday.parquet")
    tables[0].write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    pq.write_table(pa.Table.from_pylist([row]), tables[1])
    for table in tables:
        assert store.add(delivery(table)).notes == (
            note("scanner", table.name),
            note("sex", table.name, " Did you mean sexx?"),
        )


def test_letters_with_accents_are_the_same_in_both_forms_of_unicode(inbox, tmp_path):
    decomposed = unicodedata.normalize("NFD", "Gerät")
    store = BatchStore(tmp_path / "batches", slices=("gerät",))
    sidecar = inbox / "batch" / "sidecar.csv"
    sidecar.write_text(f"path,{decomposed}\nnight/cat/1.png,{decomposed} 1\n")
    stored = store.add(delivery(inbox / "batch"))
    assert stored.notes == ()
    slices = {row["name"]: row.get("slices") for row in store.read(stored.digest)}
    assert slices["night/cat/1.png"] == {"gerät": "Gerät 1"}
