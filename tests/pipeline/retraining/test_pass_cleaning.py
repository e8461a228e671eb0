"""The workspace is cleaned after a pass as the config says; a failure of that is a warning."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from old_workspace import NAME, OldWorkspace

from pipeline.config.run_config import RunConfig
from pipeline.logs.command_log import CommandLog
from pipeline.retraining.batch import Batch
from pipeline.retraining.pass_cleaning import clean_after
from pipeline.retraining.pending_batches import find_pending, read_pending


@pytest.fixture(name="old")
def _old(tmp_path: Path) -> OldWorkspace:
    old = OldWorkspace(tmp_path / "workspace")
    old.add_runs(4)
    return old


def clean(old: OldWorkspace, keep: int | None) -> None:
    config = RunConfig(
        name=NAME, data="/data", workspace=old.workspace.root, retention={"keep": keep}
    )
    clean_after(config, CommandLog("retrain", old.workspace.root))


def test_by_default_nothing_is_removed(old, capsys):
    clean(old, None)
    assert old.store.versions() == [1, 2, 3, 4]
    assert capsys.readouterr() == ("", "")


def test_what_was_removed_is_one_line(old, capsys):
    clean(old, 2)
    assert old.store.versions() == [3, 4]
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("retention.keep=2: removed ")
    assert "2 versions, 2 runs" in line
    clean(old, 2)
    assert capsys.readouterr() == ("", "")


def test_a_failure_is_a_warning_with_its_reason(old, capsys):
    with old.workspace.lock():
        clean(old, 2)
    error = capsys.readouterr().err
    assert error.startswith("carryover: warning: the workspace is not cleaned: ")
    assert "is in use" in error
    old.workspace.metadata.unlink()
    clean(old, 2)
    assert "does not know" in capsys.readouterr().err


def test_a_folder_that_cannot_be_removed_is_a_warning_and_the_rest_goes_later(
    old, capsys, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", refuse)
        clean(old, 2)
    assert "Permission denied" in capsys.readouterr().err
    old.check()
    clean(old, 2)
    old.check()
    assert old.kept_runs() == old.runs[-2:]


def refuse(path: Path) -> None:
    raise PermissionError(13, "Permission denied", str(path))


BATCH = Batch(1, "a", "in/a", "d1", "s", "2024", "taken", "", {}, None, None, 0, None)


def test_batches_that_are_open_or_await_labels_and_the_newest_rejected_are_pending():
    batches = [
        replace(BATCH, number=1, digest="d1"),
        replace(BATCH, number=2, digest="d2", state="awaiting_labels", run_id="r2"),
        replace(BATCH, number=3, digest="d3", state="awaiting_labels", run_id="r3", replaced_by=4),
        *(
            replace(BATCH, number=n, digest=f"d{n}", state="rejected", run_id=f"r{n}")
            for n in range(4, 9)
        ),
        replace(BATCH, number=9, digest="d9", state="pushed", run_id="r9", version=2),
    ]
    pending = find_pending(batches)
    assert pending.open == {"d1"}
    assert pending.awaiting == {"d2"}
    assert pending.candidates == {"r2", "r6", "r7", "r8"}


def test_the_candidate_on_which_labels_that_have_arrived_will_decide_is_pending():
    numbers = {"night": {"awaits_labels": True}}
    reopened = replace(BATCH, run_id="r1", numbers=numbers)
    assert find_pending([reopened]).candidates == {"r1"}
    assert find_pending([replace(reopened, replaced_by=2)]).candidates == set()


def test_a_workspace_without_a_ledger_has_nothing_pending(tmp_path):
    pending = read_pending(tmp_path)
    assert (pending.open, pending.awaiting, pending.candidates) == (frozenset(),) * 3
    assert list(tmp_path.iterdir()) == []
