"""Unlabelled pictures of an inbox and of the workspace's batches."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from retraining_site import RetrainingSite
from tiny_pictures import solid, write_files
from tiny_workspace import NAME

from components.image_example_gen.splits import digest
from components.pusher.data_set import SCHEMA
from pipeline.config.run_config import RunConfig
from pipeline.retraining.ledger import Ledger
from pipeline.selecting.inbox_pictures import find_delivered, known_contents
from pipeline.selecting.unlabelled_pictures import FoundPictures
from trainer_module.contract.errors import InputError
from trainer_module.contract.model_assets import PICTURES

pytestmark = pytest.mark.component

A, B, C = (solid(colour) for colour in ("red", "lime", "blue"))


def find(site: RetrainingSite, quiet_seconds: float = 0, batch: str | None = None) -> FoundPictures:
    retrain = {"inbox": site.inbox, "quiet_seconds": quiet_seconds}
    config = RunConfig(name=NAME, data="/data", workspace=site.workspace, retrain=retrain)
    return find_delivered(config, batch)


def names(found: FoundPictures) -> list[str]:
    return sorted(picture.name for picture in found.pictures)


def deliver(site: RetrainingSite, batch: str, files: dict[str, bytes]) -> Path:
    return write_files(site.inbox / batch, files | {"_READY": b""})


def test_a_complete_batch_that_was_not_taken_is_read_in_the_inbox(site):
    deliver(site, "one", {"fog/_unlabelled/a.png": A, "fog/red/b.png": B})
    found = find(site)
    assert [picture.location for picture in found.pictures] == [
        str(site.inbox.resolve() / "one/fog/_unlabelled/a.png")
    ]
    assert found.num_labelled == 1


def test_a_taken_batch_is_read_in_the_workspace_whether_it_is_in_the_inbox_or_not(site):
    batch = deliver(site, "one", {"fog/_unlabelled/a.png": A, "fog/red/b.png": B})
    site.run()
    for _ in range(2):
        found = find(site)
        assert names(found) == ["one/fog/_unlabelled/a.png"]
        [picture] = found.pictures
        assert Path(picture.location).is_relative_to(site.workspace)
        assert Path(picture.location).read_bytes() == A
        assert found.labelled_contents == {digest(B)}
        (batch / "fog" / "red" / "b.png").unlink(missing_ok=True)
        (batch / "fog" / "_unlabelled" / "a.png").unlink(missing_ok=True)
        (batch / "_READY").unlink(missing_ok=True)
        for folder in ("fog/red", "fog/_unlabelled", "fog", "."):
            if (batch / folder).exists():
                (batch / folder).rmdir()


def test_of_one_batch_the_pictures_are_read_and_of_all_others_the_labels(site):
    deliver(site, "one", {"fog/_unlabelled/a.png": A})
    deliver(site, "taken", {"fog/_unlabelled/b.png": B, "fog/red/c.png": C})
    site.run()
    deliver(site, "other", {"rain/_unlabelled/d.png": B, "rain/red/a.png": A})
    found = find(site, batch="one")
    assert names(found) == ["one/fog/_unlabelled/a.png"]
    assert found.num_labelled == 0
    assert found.labelled_contents == {digest(C)}
    assert [Path(location).name for location, _ in found.labelled] == ["a.png"]
    assert names(find(site, batch="other")) == ["rain/_unlabelled/d.png"]
    with pytest.raises(InputError, match=r"no batch none .* one of: one, other, taken\.$"):
        find(site, batch="none")


@pytest.mark.parametrize(("state", "counts"), [("held", False), ("too_little_data", True)])
def test_labels_count_unless_their_batch_is_in_no_training(site, state, counts):
    deliver(site, "one", {"fog/_unlabelled/a.png": A})
    site.run()
    deliver(site, "labels", {"fog/red/a.png": A})
    site.run()
    Ledger(site.workspace).update(2, state=state)
    assert find(site, batch="one").labelled_contents == ({digest(A)} if counts else set())


def test_incomplete_and_unreadable_batches_are_named(site):
    write_files(site.inbox / "late", {"fog/_unlabelled/a.png": A})
    deliver(site, "empty", {})
    found = find(site, quiet_seconds=60)
    assert found.pictures == []
    assert sorted(found.notes)[1] == "Batch late is left out: it is incomplete."
    assert sorted(found.notes)[0].startswith("Batch empty is left out: no picture of the batch")


def test_a_picture_that_a_version_was_trained_on_without_a_label_is_not_known(site, tmp_path):
    deliver(site, "one", {"fog/_unlabelled/a.png": A})
    site.run()
    found = find(site)
    [location] = found.unlabelled_copies
    rows = [
        {"location": location, "content": digest(A)},
        {"location": b"/data/day/blue/c.png", "content": digest(C)},
    ]
    columns = {"domain": "day", "label": "red", "split": "train", "group": bytes(16)}
    (tmp_path / "version" / PICTURES).parent.mkdir(parents=True)
    table = pa.Table.from_pylist([row | columns for row in rows], SCHEMA)
    pq.write_table(table, tmp_path / "version" / PICTURES)
    found.labelled_contents.add(digest(B))
    assert known_contents(tmp_path / "version", found) == {digest(B), digest(C)}


def test_a_group_is_kept_whether_the_batch_was_taken_or_not(site):
    sidecar = b"path,group\nfog/_unlabelled/a.png,g\n"
    files = {"fog/_unlabelled/a.png": A, "fog/red/b.png": B, "sidecar.csv": sidecar}
    deliver(site, "one", files)
    [delivered] = find(site).pictures
    site.run()
    [taken] = find(site).pictures
    assert delivered.location != taken.location
    assert delivered.columns == taken.columns == {"group": "g"}
