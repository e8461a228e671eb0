"""The folder of everything that runs write: its lock, its runs, its baselines."""

import datetime
import errno
import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from damaged_files import mounted_disk
from repository import ROOT
from tiny_pictures import write_files
from tiny_summary import summary

from components.pusher.version_store import Push, VersionStore
from pipeline.config.config_file import load_config
from pipeline.config.run_config import RunConfig
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.workspace_files import lock_holder
from trainer_module.contract.workspace_files.lease import Lease, release_lease

HOLD = """
import sys
from pathlib import Path
from pipeline.workspace import Workspace

with Workspace(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(name="workspace")
def _workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture(name="config")
def _config(workspace: Workspace) -> RunConfig:
    paths = {"data": Path("/pictures"), "workspace": workspace.root}
    return load_config(None, ["seed=5", "gate.max_drop=0.1"], paths)


@pytest.fixture(name="holder")
def _holder(workspace: Workspace) -> Iterator[subprocess.Popen]:
    """Another process that holds the lock."""
    command = [sys.executable, "-c", HOLD, str(workspace.root)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe) as process:
        assert process.stdout and process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_second_run_is_refused_and_the_run_with_the_lock_is_named(workspace, config, holder):
    run_id = workspace.new_run(config)
    with pytest.raises(InputError) as error, workspace.lock():
        pass
    assert str(error.value) == (
        f"workspace {workspace.root} is in use by run {run_id}. "
        "Wait until it has ended, or give another one with --workspace DIR."
    )


def test_a_command_that_holds_the_lock_is_named_with_its_process_and_its_run(
    workspace, config, monkeypatch
):
    monkeypatch.setattr(lock_holder, "_names", [])
    other = Workspace(workspace.root)
    lock_holder.name_command("retrain")
    by = f"in use by `carryover retrain`, process {os.getpid()}. Wait"
    with workspace.lock(), pytest.raises(InputError, match=re.escape(by)), other.lock():
        pass
    run_id = workspace.new_run(config)
    by = f"in use by run {run_id} (`carryover retrain`, process {os.getpid()}). Wait"
    with workspace.lock(), pytest.raises(InputError, match=re.escape(by)), other.lock():
        pass
    lock_holder.name_command("clean")
    with workspace.lock(), pytest.raises(InputError, match="carryover clean"), other.lock():
        pass


def test_a_killed_process_releases_the_lock(workspace, holder):
    holder.kill()
    holder.wait()
    with workspace.lock():
        pass


def test_the_lock_also_works_within_one_process_and_ends_with_its_context(workspace, monkeypatch):
    monkeypatch.setattr(lock_holder, "_names", [])
    with workspace.lock(), pytest.raises(InputError, match="in use by another command"):
        Workspace(workspace.root).lock().__enter__()
    with Workspace(workspace.root).lock():
        pass


def test_a_workspace_that_is_a_file_is_an_input_error(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match=r"cannot be written: .*--workspace DIR"),
        Workspace(tmp_path / "file").lock(),
    ):
        pass


def test_runs_of_one_second_have_ids_of_their_own(workspace, config):
    ids = [workspace.new_run(config) for _ in range(4)]
    assert len(set(ids)) == 4
    assert ids == sorted(ids)


def test_a_run_without_summary_is_the_unfinished_one(workspace, config):
    run_id = workspace.new_run(config)
    assert workspace.unfinished_run() == run_id
    summary().write(workspace.runs / run_id)
    assert workspace.unfinished_run() is None


def test_only_the_newest_run_counts_as_unfinished(workspace, config):
    workspace.new_run(config)  # killed, and never resumed
    summary().write(workspace.runs / workspace.new_run(config))
    assert workspace.unfinished_run() is None


def test_an_empty_workspace_has_no_unfinished_run(workspace):
    assert workspace.unfinished_run() is None
    with pytest.raises(InputError) as error:
        workspace.unfinished_config()
    assert str(error.value) == (
        f"workspace {workspace.root} has no unfinished run. Leave --resume out."
    )


def test_the_config_of_an_unfinished_run_is_the_one_it_was_started_with(workspace, config):
    workspace.new_run(config)
    assert load_config(workspace.unfinished_config(), []) == config


def push(store: VersionStore, digest: str = "abc") -> int:
    """Push a version."""
    model = write_files(store.root / "model", {"saved_model.pb": b"graph"})
    return store.push(model, Push(digest, "run", "key", None, "2024-01-01T00:00:00", {}))


def test_a_baseline_is_a_model_artifact_with_a_link_to_the_version(workspace):
    store = VersionStore(workspace.root, "shapes")
    push(store)
    for _ in range(2):
        uri = workspace.baseline_uri(store, 1)
    assert (uri / "Format-Serving" / "saved_model.pb").read_bytes() == b"graph"


def test_another_model_with_the_number_of_a_deleted_one_is_another_baseline(workspace):
    store = VersionStore(workspace.root, "shapes")
    uris = set()
    for digest in ("first", "second"):
        push(store, digest)
        uris.add(workspace.baseline_uri(store, 1))
        shutil.rmtree(store.serving)
        for note in store.root.glob(".highest-version-*"):  # lost by a copy with `cp -r old/* new`
            note.unlink()
    assert len(uris) == 2


def test_a_workspace_that_was_moved_still_finds_its_baseline(tmp_path):
    before, after = Workspace(tmp_path / "before"), Workspace(tmp_path / "after")
    store = VersionStore(before.root, "shapes")
    push(store)
    before.baseline_uri(store, 1)
    before.root.rename(after.root)
    uri = after.baseline_uri(VersionStore(after.root, "shapes"), 1)
    assert (uri / "Format-Serving" / "saved_model.pb").read_bytes() == b"graph"


def test_a_copy_that_followed_links_gets_its_own_link_to_the_baseline(tmp_path):
    before, after = Workspace(tmp_path / "before"), Workspace(tmp_path / "after")
    store = VersionStore(before.root, "shapes")
    push(store)
    before.baseline_uri(store, 1)
    shutil.copytree(before.root, after.root, symlinks=False)  # as `cp -rL` does
    link = after.baseline_uri(VersionStore(after.root, "shapes"), 1) / "Format-Serving"
    assert link.is_symlink()
    assert link.resolve() == after.root / "serving" / "shapes" / "1"


def test_a_link_to_the_version_of_another_workspace_is_replaced(workspace, tmp_path):
    store = VersionStore(workspace.root, "shapes")
    push(store)
    link = workspace.baseline_uri(store, 1) / "Format-Serving"
    link.unlink()
    link.symlink_to(tmp_path / "elsewhere")
    workspace.baseline_uri(store, 1)
    assert link.resolve() == store.path(1)


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("/before/artifacts/Trainer/model/7", "/now/artifacts/Trainer/model/7"),
        ("/artifacts/w/artifacts/Trainer/model/7", "/now/artifacts/Trainer/model/7"),
        ("/now/artifacts/Pusher/pushed_model/12", "/now/artifacts/Pusher/pushed_model/12"),
        ("gs://bucket/artifacts/Trainer/model/7", "gs://bucket/artifacts/Trainer/model/7"),
        ("/data/pictures", "/data/pictures"),
    ],
)
def test_an_artifact_is_in_the_workspace_that_it_was_moved_or_copied_with(uri, found):
    assert Workspace(Path("/now")).artifact(uri) == found


@pytest.mark.parametrize(
    ("recorded", "found"),
    [
        ("{before}", "{after}"),
        ("{before}/pictures", "{after}/pictures"),
        ("{before} of others", "{before} of others"),
        ("/data", "/data"),
        ("gs://bucket/data", "gs://bucket/data"),
    ],
)
def test_the_data_root_of_a_run_moves_with_the_workspace_that_it_is_in(tmp_path, recorded, found):
    before, after = Workspace(tmp_path / "before"), Workspace(tmp_path / "after")
    run_id = before.new_run(RunConfig(data="/data", workspace=before.root))
    before.root.rename(after.root)
    places = {"before": before.root, "after": after.root}
    assert after.data_root(run_id, recorded.format(**places)) == found.format(**places)


@pytest.mark.parametrize(
    ("earlier", "run_id"),
    [
        ([], "20240229-120000"),
        (["20240229-115959"], "20240229-120000"),
        (["20240229-120000"], "20240229-120000-002"),
        (["20240229-120000", "20240229-120000-002"], "20240229-120000-003"),
        (["20240301-000000"], "20240301-000000-002"),  # the clock was set back by hours
        (["20270101-000000", "20240101-000000"], "20270101-000000-002"),  # or by years
        (["20270101-000000-009"], "20270101-000000-010"),
        (["notes of 2030", "99990101"], "20240229-120000"),  # folders of people
    ],
)
def test_a_run_sorts_after_all_earlier_ones_also_where_the_clock_was_set_back(
    workspace, config, monkeypatch, earlier, run_id
):
    class Clock(datetime.datetime):
        @classmethod
        def now(cls, zone=None):
            return cls(2024, 2, 29, 12, tzinfo=zone)

    monkeypatch.setattr(datetime, "datetime", Clock)
    for name in earlier:
        write_files(workspace.runs / name, {"summary.json": b"{}"})
    assert workspace.new_run(config) == run_id
    assert workspace.config_file(run_id).exists()
    for name in earlier:
        assert [path.name for path in (workspace.runs / name).iterdir()] == ["summary.json"]
    if earlier and earlier[0][0] == "2":
        assert workspace.unfinished_run() == run_id


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("batch", [None, "digest"])
def test_a_run_whose_config_cannot_be_written_leaves_no_folder(
    workspace, config, monkeypatch, number, batch
):
    def fail(handle):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match=os.strerror(number)):
            workspace.new_run(config, batch)
    assert list(workspace.runs.iterdir()) == []
    assert workspace.unfinished_run() is None


@pytest.mark.parametrize(
    ("before", "inputs", "after"),
    [
        ([], False, None),
        ([], True, None),
        (["pictures/1.png"], True, ["pictures", "pictures/1.png"]),
        (["inputs/"], True, ["inputs"]),
        ([".lock"], False, [".lock"]),
        (["runs/1/config.yaml"], False, [".lock", "runs", "runs/1", "runs/1/config.yaml"]),
    ],
)
def test_bad_input_leaves_a_folder_as_it_was(tmp_path, before, inputs, after):
    root = tmp_path / "folder"
    for name in before:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).mkdir() if name.endswith("/") else (root / name).touch()
    with pytest.raises(InputError, match="no picture"), Workspace(root).lock():
        if inputs:
            Workspace(root).inputs.mkdir(exist_ok=True)
        raise InputError("no picture")
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))
    assert (found if root.exists() else None) == after


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told_as_such(workspace, monkeypatch, number):
    def refuse(handle, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(InputError) as error, workspace.lock():
        pass
    assert str(error.value) == (
        f"workspace {workspace.root} cannot be locked: {os.strerror(number)}. Its file system has "
        "no file locks. Start the lock service of the network folder, or give a workspace on "
        "another disk with --workspace DIR."
    )


def test_a_workspace_on_a_read_only_disk_is_refused_for_runs_and_can_be_read(tmp_path, config):
    with mounted_disk(tmp_path / "disk", "1m") as disk:
        workspace = Workspace(disk.folder / "workspace")
        run_id = workspace.new_run(config)
        disk.mount_again("ro")
        with pytest.raises(InputError, match="cannot be written: Read-only file system"):
            workspace.lock().__enter__()
        assert workspace.read_config(run_id)["seed"] == 5
        assert workspace.unfinished_run() == run_id


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is empty"),
        (b"\0\0\0", "it is empty"),
        (b"name: pets\nseed: 1", "it is cut off"),
        (b"name: [pets\n", "line 2: "),
        (b"[]\n", "it holds no `key: value` lines"),
        (b"name: \xff\n", "line 1: "),
    ],
)
def test_a_run_with_a_damaged_config_is_not_resumed_with_other_settings(
    workspace, config, content, problem
):
    run_id = workspace.new_run(config)
    workspace.config_file(run_id).write_bytes(content)
    with pytest.raises(InputError) as error:
        workspace.unfinished_config()
    what = f"config of run {run_id} {workspace.config_file(run_id)} is damaged: {problem}"
    assert str(error.value).startswith(what)
    assert "Restore the file from a backup, or give the config again" in str(error.value)


def test_between_the_steps_of_a_run_on_a_cluster_only_its_steps_get_the_lock(workspace, config):
    run_id = workspace.new_run(config)
    Lease("run-1", run_id).write(workspace.root)
    with pytest.raises(InputError, match=f"in use by run {run_id} on Kubeflow"), workspace.lock():
        pass
    with pytest.raises(InputError, match="run-1"), workspace.lock("run-2"):
        pass
    with workspace.lock("run-1"):
        pass
    release_lease(workspace.root, "run-1")
    with workspace.lock():
        pass
