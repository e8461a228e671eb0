"""Batches that arrive before their pictures, and batches whose store is unavailable."""

import errno
import os
from pathlib import Path

import pytest
from memory_file_system import MemoryFileSystem, StoreError
from retraining_site import PUSHED, WRONG, Pipeline, RetrainingSite
from tiny_pictures import solid
from tiny_workspace import shade, write_colours

from pipeline.inputs import folder
from pipeline.retraining.deliveries import inbox
from trainer_module.contract.errors import UnavailableError

pytestmark = pytest.mark.component


def write_manifest(site: RetrainingSite, paths: list[str], name: str = "monday.csv") -> Path:
    """Name pictures of the domain `night`, whose labels the model gets wrong."""
    labels = [label for label, _ in WRONG]
    lines = [f"{path},night,{labels[n % 12]}" for n, path in enumerate(paths)]
    manifest = site.inbox / name
    manifest.write_text("\n".join(["path,domain,label", *lines, ""]))
    return manifest


def picture(number: int) -> bytes:
    return solid(shade(WRONG[number % 12][1], 500 + number))


def deliver_pictures(site: RetrainingSite, numbers: range) -> None:
    (site.inbox.parent / "pictures").mkdir(exist_ok=True)
    for number in numbers:
        path = site.inbox.parent / "pictures" / f"{number}.png"
        path.write_bytes(picture(number))


PATHS = [f"../pictures/{number}.png" for number in range(12)]


@pytest.mark.parametrize(
    ("there", "text"),
    [
        (range(0), "12 of 12 files are missing; the first is {folder}/../pictures/0.png"),
        (range(5), "7 of 12 files are missing; the first is {folder}/../pictures/5.png"),
        (range(1, 12), "1 of 12 files is missing; the first is {folder}/../pictures/0.png"),
    ],
)
def test_a_manifest_waits_for_its_pictures(site, there, text):
    write_manifest(site, PATHS)
    deliver_pictures(site, there)
    assert site.run() == 0
    [batch] = site.batches()
    reason = (
        f"{text.format(folder=site.inbox)}. The batch waits for them: deliver them, or correct or "
        "remove the batch"
    )
    assert (batch.state, batch.reason, batch.finished_at) == ("waiting", reason, None)
    assert site.output == f"monday.csv: waiting: {reason}\n"
    [event] = site.events
    assert (event["event"], event["batch"], event["reason"]) == ("waiting", "monday.csv", reason)
    assert site.run() == 0
    assert (site.output, site.events) == (f"monday.csv: waiting: {reason}\n", [])
    assert site.preview() == [f"monday.csv: waiting: {reason}"]

    deliver_pictures(site, range(12))
    assert site.preview()[0].startswith("monday.csv: retrain: new domain 'night': 12 labelled")
    assert site.run(Pipeline(PUSHED), quiet_seconds=0) == 0
    [batch] = site.batches()
    assert (batch.number, batch.state) == (1, "pushed")
    assert site.event_names() == ["taken", "retraining", "pushed"]
    assert not list((site.workspace / "batches").glob(".incoming*"))


def test_other_batches_do_not_wait(site):
    write_manifest(site, PATHS)
    write_colours(site.inbox / "tuesday", "night", WRONG)
    assert site.run(Pipeline(PUSHED)) == 0
    assert {batch.name: batch.state for batch in site.batches()} == {
        "monday.csv": "waiting",
        "tuesday": "pushed",
    }


def test_a_manifest_whose_missing_rows_are_removed_is_taken(site):
    write_manifest(site, PATHS)
    deliver_pictures(site, range(6))
    site.run()
    write_manifest(site, PATHS[:6])
    assert site.run(Pipeline(PUSHED)) == 0
    assert site.states() == ["pushed"]


def test_a_manifest_that_is_removed_is_withdrawn(site):
    write_manifest(site, PATHS)
    site.run()
    (site.inbox / "monday.csv").unlink()
    assert site.run() == 0
    [batch] = site.batches()
    assert (batch.state, batch.reason) == (
        "withdrawn",
        "removed from the inbox before it could be taken",
    )
    assert site.event_names() == ["withdrawn"]
    assert batch.finished_at


def test_a_manifest_with_earlier_pictures_keeps_them_until_the_new_ones_are_there(site):
    deliver_pictures(site, range(6))
    write_manifest(site, PATHS[:6])
    site.run(Pipeline(PUSHED))
    write_manifest(site, PATHS)
    site.run()
    assert site.states() == ["pushed", "waiting"]
    assert site.batches()[0].replaced_by is None
    deliver_pictures(site, range(6, 12))
    site.run(Pipeline(PUSHED))
    assert site.states() == ["pushed", "pushed"]
    assert site.batches()[0].replaced_by == 2


def test_a_manifest_that_is_put_back_after_it_waited_is_a_duplicate(site):
    deliver_pictures(site, range(6))
    write_manifest(site, PATHS[:6])
    site.run(Pipeline(PUSHED))
    write_manifest(site, PATHS)
    site.run()
    write_manifest(site, PATHS[:6])
    site.run()
    assert site.states() == ["pushed", "duplicate"]
    site.run()
    assert site.output == f"nothing to do in {site.inbox}\n"


def test_a_picture_that_is_still_written_is_waited_for(site):
    deliver_pictures(site, range(12))
    half = site.inbox.parent / "pictures" / "3.png"
    half.write_bytes(picture(3)[:40])
    manifest = write_manifest(site, PATHS)
    os.utime(manifest, (10**9, 10**9))
    assert site.run(quiet_seconds=60) == 0
    [batch] = site.batches()
    assert batch.state == "waiting"
    assert "1 of 12 files is incomplete; the first is" in batch.reason
    assert "/pictures/3.png: unsupported kind of PNG, or a damaged header" in batch.reason
    os.utime(half, (10**9, 10**9))  # nothing more comes
    site.run(Pipeline(PUSHED), quiet_seconds=60)
    [batch] = site.batches()
    assert batch.state == "pushed"
    assert "1 file is left out: 1 unsupported kind of PNG" in batch.reason
    assert "(../pictures/3.png: save it as PNG with 8 or 16 bits)" in batch.reason


@pytest.fixture(name="memory")
def _memory(monkeypatch):
    monkeypatch.setattr(MemoryFileSystem, "files", {f"memory://{n}": picture(n) for n in range(12)})
    monkeypatch.setattr(MemoryFileSystem, "failures", {})
    return MemoryFileSystem


@pytest.mark.parametrize(
    "error",
    [
        StoreError(503),
        ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
        TimeoutError("timed out"),
        ValueError("hdfs_host is not set"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_store_that_is_unavailable_is_no_fault_of_the_batch(site, memory, error):
    write_manifest(site, list(memory.files))
    memory.failures["memory://7"] = error
    for _ in range(4):
        assert site.run() == 0
        [batch] = site.batches()
        assert (batch.state, batch.attempts) == ("waiting", 0)
    assert "memory://7" in batch.reason
    memory.failures.clear()
    assert site.run(Pipeline(PUSHED)) == 0
    assert site.states() == ["pushed"]


def test_a_store_that_fails_while_it_is_read_is_waited_for(site, memory, monkeypatch):
    def fail(self, path, *types):
        raise OSError(errno.EIO, "the store failed")

    write_manifest(site, list(memory.files))
    with monkeypatch.context() as patch:
        patch.setattr(memory, "open", fail)
        assert site.run() == 0
    [batch] = site.batches()
    assert batch.state == "waiting"
    assert (
        "12 of 12 files are incomplete; the first is memory://0: cannot be opened" in batch.reason
    )
    assert site.run(Pipeline(PUSHED)) == 0
    assert site.states() == ["pushed"]


def test_a_forbidden_or_missing_remote_file_is_not_a_matter_of_the_store(site, memory):
    write_manifest(site, list(memory.files))
    memory.failures["memory://7"] = StoreError(403)
    assert site.run(Pipeline(PUSHED)) == 0
    [batch] = site.batches()
    assert batch.state == "pushed"
    assert "1 file is left out: 1 cannot be opened (memory://7: Permission denied)" in batch.reason


def test_a_folder_that_cannot_be_listed_is_waited_for(site, monkeypatch):
    write_colours(site.inbox / "monday", "night", WRONG)
    walk = os.walk

    def fail(root, onerror=None, **options):
        if onerror and Path(root).name == "monday":
            onerror(OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(root)))
        return walk(root, onerror=onerror, **options)

    with monkeypatch.context() as patch:
        patch.setattr(folder.os, "walk", fail)
        assert site.run() == 0
        assert site.states() == ["waiting"]
        assert "Stale file handle" in site.batches()[0].reason
    assert site.run(Pipeline(PUSHED)) == 0
    assert site.states() == ["pushed"]


@pytest.mark.parametrize("target", ["nowhere.csv", "monday.csv"])
def test_a_manifest_that_is_a_dead_link_waits(site, target):
    (site.inbox / "monday.csv").symlink_to(target)
    assert site.run() == 0
    [batch] = site.batches()
    assert batch.state == "waiting"
    assert str(site.inbox / "monday.csv") in batch.reason


def test_a_known_batch_that_cannot_be_listed_for_a_while_stays_as_it_is(site, monkeypatch):
    write_colours(site.inbox / "monday", "night", WRONG)
    site.run(Pipeline(PUSHED))

    def fail(root: Path, **options: object) -> None:
        raise UnavailableError(f"folder {root} cannot be read: Transport endpoint is not connected")

    with monkeypatch.context() as patch:
        patch.setattr(inbox, "list_folder", fail)
        assert site.run() == 0
    assert "monday: waiting: folder" in site.output
    assert site.states() == ["pushed"]
    assert site.events == []
