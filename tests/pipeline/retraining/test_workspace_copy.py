from pathlib import Path

import pytest
from tiny_pictures import write_files

from pipeline.retraining.ledger import Ledger, read_batches
from pipeline.retraining.workspace_copy import workspace_copy
from pipeline.workspace import Workspace


def everything(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and path.name != "ledger.sqlite")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(name="workspace")
def _workspace(tmp_path: Path) -> Workspace:
    files = {
        ".lock": b"",
        "batches/a/listing.jsonl": b"{}",
        "batches/.incoming/files/half.png": b"half",  # left behind by a pass that was killed
        "serving/m/1/saved_model.pb": b"model",
    }
    write_files(tmp_path, files)
    Ledger(tmp_path).add("monday", "/inbox/monday", "a", "stamp")
    return Workspace(tmp_path)


def test_a_copy_has_the_batches_the_versions_and_the_ledger(workspace):
    with workspace_copy(workspace) as copy:
        assert set(everything(copy.root)) == set()  # links are not followed
        assert (copy.batches / "a" / "listing.jsonl").read_bytes() == b"{}"
        assert (copy.root / "serving" / "m" / "1" / "saved_model.pb").read_bytes() == b"model"
        assert [batch.name for batch in read_batches(copy.root)] == ["monday"]
        assert sorted(path.name for path in copy.batches.iterdir()) == ["a"]
        assert not (copy.root / ".lock").exists()
    assert not copy.root.exists()


def test_what_is_written_to_a_copy_is_not_in_the_workspace(workspace):
    before = everything(workspace.root)
    with workspace_copy(workspace) as copy:
        Ledger(copy.root).add("tuesday", "/inbox/tuesday", "b", "stamp")
        Ledger(copy.root).finish(1, "held", "why")
        write_files(copy.batches / "b", {"listing.jsonl": b""})
    assert everything(workspace.root) == before
    [batch] = read_batches(workspace.root)
    assert (batch.name, batch.state) == ("monday", "taken")
