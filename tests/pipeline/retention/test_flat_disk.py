"""The disk of a workspace that is cleaned after each of many runs does not grow."""

from pathlib import Path

from old_workspace import OldWorkspace

from pipeline.retention.cleaning import clean_workspace
from pipeline.retention.kept_state import PendingBatches

#: Bytes of the weights of a version: a fifth of those of the smallest backbone that has any.
WEIGHTS = 2_500_000


def disk(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def test_after_100_runs_the_disk_is_at_most_1_3_times_that_after_20(tmp_path):
    old = OldWorkspace(tmp_path / "workspace", weights=WEIGHTS)
    sizes, databases = [], []
    for number in range(100):
        # Some runs are rejected, some fail.
        outcome = {3: "rejected", 7: "failed"}.get(number % 10, "pushed")
        old.add_run(outcome, batch=f"batch-{number}")
        clean_workspace(old.workspace, 5, PendingBatches)
        sizes.append(disk(old.workspace.root))
        databases.append(old.workspace.metadata.stat().st_size)
    old.check()
    assert sizes[-1] <= 1.3 * sizes[19]
    assert max(databases[20:]) <= 1.1 * max(databases[:20])
    assert len(old.store.versions()) == 5
    assert len(old.store.removed_versions()) == 75
