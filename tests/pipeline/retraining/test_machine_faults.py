"""Passes on a machine that fails: no batch is given up or lost, and the next pass goes on."""

import errno
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from damaged_files import cut_off, empty, mounted_disk, remove, restored
from retraining_site import PUSHED, WRONG, Pipeline, RetrainingSite
from tiny_pictures import solid, write_files
from tiny_workspace import NAME, push_copy, write_colours

from pipeline.retraining.deliveries.batch_store import LISTING, BatchStore
from pipeline.retraining.deliveries.inbox import find_deliveries
from pipeline.retraining.retraining_commands import read_config
from pipeline.running.run_failure import RunFailedError
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.model_assets import DESCRIPTION, PICTURES, PUSH_RECORD, REFERENCE

pytestmark = pytest.mark.component


def failed_run(cause: Exception) -> RunFailedError:
    """Return the error of a run with a cause."""
    error = RunFailedError(f"Trainer failed: {cause}", Path("run.log"))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_batch_is_not_given_up_because_of_the_machine(site, number):
    write_colours(site.inbox / "monday", "night", WRONG)
    full = Pipeline(failed_run(OSError(number, os.strerror(number))))
    for _ in range(3):  # as often as `retrain.attempts`
        assert site.run(full) == 1
        assert (site.states(), site.batches()[0].attempts) == (["taken"], 0)
        assert os.strerror(number) in site.output
        assert site.events[-1]["gives_up"] is False
    assert site.run(Pipeline(PUSHED)) == 0
    assert site.states() == ["pushed"]


def test_a_batch_that_fails_for_another_reason_is_still_given_up(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    for _ in range(3):
        assert site.run(Pipeline(failed_run(ValueError("odd shape")))) == 1
    assert site.states() == ["failed"]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (PICTURES, cut_off),
        (PICTURES, remove),
        (REFERENCE, empty),
        (REFERENCE, remove),
        (DESCRIPTION, cut_off),
        (DESCRIPTION, remove),
        ("saved_model.pb", remove),
        ("variables/variables.index", cut_off),
    ],
)
def test_a_damaged_serving_version_holds_no_batch_and_is_named(site, name, damage):
    write_colours(site.inbox / "monday", "night", WRONG)
    file = site.store.path(1) / name
    with restored(file):
        damage(file)
        assert site.run() == 1
        assert (site.states(), site.batches()[0].attempts) == (["taken"], 0)
        assert f" {site.store.path(1)}" in site.output
        assert "Restore the version from a backup, or take it out of service" in site.output
    assert site.run(Pipeline(PUSHED)) == 0
    assert site.states() == ["pushed"]


def test_a_damaged_record_of_an_older_version_stops_no_pass(site):
    push_copy(site.store, site.workspace / "model", "run 2")
    empty(site.store.path(1) / PUSH_RECORD)
    write_colours(site.inbox / "monday", "night", WRONG)
    assert site.run(Pipeline(PUSHED)) == 0
    assert site.states() == ["pushed"]


def test_a_damaged_record_of_the_serving_version_is_named_before_a_batch_is_taken(site):
    record = site.store.path(1) / PUSH_RECORD
    with restored(record):
        cut_off(record)
        with pytest.raises(UnavailableError, match=r"record of version 1 .* is damaged"):
            read_config(site.workspace, NAME, None, [], site.inbox)


@pytest.mark.parametrize("content", [b"", b"\0\0", b"name: pets\nseed: 1", b"[]\n"])
def test_the_config_of_a_damaged_run_is_never_replaced_by_defaults(site, content):
    run = site.workspace / "runs" / "run 1"
    run.mkdir(parents=True)
    (run / "config.yaml").write_bytes(content)
    with pytest.raises(InputError, match=r"config of run .*config\.yaml is damaged: .*--config"):
        read_config(site.workspace, NAME, None, [], site.inbox)


@pytest.mark.parametrize("damage", [remove, empty, cut_off])
def test_a_damaged_copy_of_a_batch_keeps_it_open_until_it_is_delivered_again(site, damage):
    delivery = write_colours(site.inbox / "monday", "night", WRONG)
    site.run(Pipeline(failed_run(OSError(errno.ENOSPC, "No space left on device"))))
    [batch] = site.batches()
    listing = site.workspace / "batches" / batch.digest / LISTING
    damage(listing)
    assert site.run() == 1
    assert site.states() == ["taken"]
    assert f"listing of a batch {listing} is " in site.output
    os.utime(next(delivery.rglob("*.png")), (1_700_000_000, 1_700_000_000))
    assert site.run(Pipeline(PUSHED)) == 0
    assert site.states() == ["pushed"]


def test_lost_pictures_of_a_batch_are_copied_again_with_its_next_delivery(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    store = BatchStore(site.workspace / "batches")
    [delivery] = find_deliveries(site.inbox, 0)
    first = store.add(delivery)
    folder = site.workspace / "batches" / first.digest
    pictures = sorted(folder.rglob("*.png"))
    content = pictures[1].read_bytes()
    remove(pictures[0])
    cut_off(pictures[1])
    assert store.add(delivery).digest == first.digest
    assert sorted(folder.rglob("*.png")) == pictures
    assert pictures[1].read_bytes() == content


def test_a_dry_run_names_files_of_the_workspace_and_not_of_its_copy(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    remove(site.store.path(1) / "saved_model.pb")
    with pytest.raises(UnavailableError) as error:
        site.preview()
    assert f"version {site.store.path(1)} is damaged: " in str(error.value)


def known_on_disk(site: RetrainingSite, domain: str = "day") -> Path:
    """Put the known pictures of the serving version on a disk, and name them in its list."""
    disk = site.inbox.parent / "disk"
    table = pq.read_table(site.store.path(1) / PICTURES)
    rows = table.to_pylist()
    for row in rows:
        path = disk / domain / row["label"] / f"{row['content'][0]}.png"
        write_files(path.parent, {path.name: solid("red")})
        row["location"] = str(path).encode()
    pq.write_table(pa.Table.from_pylist(rows, table.schema), site.store.path(1) / PICTURES)
    push = json.loads((site.store.path(1) / PUSH_RECORD).read_text())
    (site.store.path(1) / PUSH_RECORD).write_text(json.dumps(push | {"files": None}))
    return disk


@pytest.mark.parametrize("allow", [(), ("empty_split", "rejects", "untestable_domain")])
def test_a_disk_that_is_not_mounted_holds_no_batch_and_no_model_forgets_its_domains(site, allow):
    disk = known_on_disk(site)
    disk.rename(disk.with_name("elsewhere"))
    disk.mkdir()  # the mount point, empty
    write_colours(site.inbox / "monday", "night", WRONG)
    assert site.run(allow=allow) == 1
    assert (site.states(), site.batches()[0].attempts) == (["taken"], 0)
    assert re.search(rf"9 of 9 known pictures .* are unavailable in {disk}", site.output)
    assert site.events[-1]["gives_up"] is False
    disk.rmdir()
    disk.with_name("elsewhere").rename(disk)
    assert site.run(Pipeline(PUSHED)) == 0
    assert site.states() == ["pushed"]


def test_a_pass_without_its_file_of_weights_takes_nothing(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    gone = site.inbox.parent / "gone.h5"
    with pytest.raises(InputError, match=r"backbone.weights.* does not exist"):
        site.run(settings={"backbone": {"weights": str(gone)}})
    assert site.batches() == []


@pytest.mark.parametrize(
    "error", [InputError("training diverged"), UnavailableError("a file is missing")]
)
def test_an_error_of_the_config_or_the_machine_holds_no_batch(site, error):
    write_colours(site.inbox / "monday", "night", WRONG)
    for _ in range(4):  # more than `retrain.attempts`
        assert site.run(Pipeline(error)) == (1 if isinstance(error, UnavailableError) else 2)
        assert (site.states(), site.batches()[0].attempts) == (["taken"], 0)
        assert str(error) in site.output
    assert site.run(Pipeline(PUSHED)) == 0
    assert site.states() == ["pushed"]


def test_a_block_that_the_backbone_lacks_holds_no_batch(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    assert site.run(Pipeline(PUSHED), settings={"fine_tuning": {"trainable_from": "no_block"}}) == 2
    assert site.states() == ["taken"]
    assert "config key 'fine_tuning.trainable_from': must be a share" in site.output


def test_a_serving_version_without_its_record_holds_no_batch(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    record = site.store.path(1) / PUSH_RECORD
    with restored(record):
        remove(record)
        assert site.run() == 1
        assert site.states() == ["taken"]
        assert "Restore it from a backup" in site.output
    assert site.run(Pipeline(PUSHED)) == 0


@pytest.fixture(name="on_disk")
def _on_disk(served: Path, tmp_path: Path) -> Callable[[str], RetrainingSite]:
    def make(folder: Path) -> RetrainingSite:
        shutil.copytree(served, folder / "workspace")
        return RetrainingSite(folder)

    return make


def test_a_pass_on_a_full_disk_takes_nothing_and_goes_on_when_there_is_space(tmp_path, on_disk):
    with mounted_disk(tmp_path / "disk", "4m") as disk:
        site = on_disk(disk.folder)
        write_colours(site.inbox / "monday", "night", WRONG)
        site.batches()  # it creates no ledger
        disk.fill()
        with pytest.raises((OSError, UnavailableError), match=r"No space left|disk is full|I/O"):
            site.run()
        assert site.batches() == []
        disk.make_room()
        assert site.run(Pipeline(PUSHED)) == 0
        assert site.states() == ["pushed"]
