"""What `carryover clean` removes of a workspace, and what it keeps."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from old_workspace import OldWorkspace, open_store
from tiny_pictures import write_files

from components.pusher.promoted_version import shadow_file
from components.pusher.version_store import LEFT_FILES, VersionStore
from components.pusher.version_use import is_in_use, mark_in_use
from pipeline.retention.cleaning import CleaningResult, clean_workspace
from pipeline.retention.kept_state import PendingBatches
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.model_assets import PICTURES, PUSH_RECORD


def write_shadow(old: OldWorkspace, state: str) -> None:
    """Write what `carryover serve --shadow` writes."""
    file = shadow_file(old.store)
    write_files(file.parent, {file.name: state.encode()})


@pytest.fixture(name="template", scope="module")
def _template(tmp_path_factory: pytest.TempPathFactory) -> OldWorkspace:
    old = OldWorkspace(tmp_path_factory.mktemp("template") / "workspace")
    old.add_runs(6)
    return old


@pytest.fixture(name="old")
def _old(template: OldWorkspace, tmp_path: Path) -> OldWorkspace:
    """A workspace with six runs that pushed versions."""
    return template.copy_to(tmp_path / "workspace")


def clean(
    old: OldWorkspace, keep: int = 2, pending: PendingBatches | None = None, **options: Any
) -> CleaningResult:
    result = clean_workspace(old.workspace, keep, lambda: pending or PendingBatches(), **options)
    old.check()
    return result


def counts(result: CleaningResult) -> dict[str, int]:
    return {one.kind: one.count for one in result.removed}


def artifacts_of(old: OldWorkspace) -> set[str]:
    """Return the runs whose artifacts are on the disk."""
    files = old.workspace.artifacts.glob("*/*/*/part-0")
    return {file.read_text()[: len(old.runs[0])] for file in files}


def test_the_newest_versions_stay_complete_and_of_others_what_candidates_are_compared_with(old):
    before = {number: old.store.read_push(number) for number in old.store.versions()}
    result = clean(old, keep=3)
    assert old.store.versions() == [4, 5, 6]
    assert old.store.removed_versions() == [1, 2, 3]
    for number in (1, 2, 3):
        folder = old.store.folder(number)
        left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert left == set(LEFT_FILES)
    assert {number: push for number, push, _ in old.store.pushes()} == before
    assert counts(result)["versions"] == 3


def test_old_runs_keep_their_figures_and_lose_all_else(old):
    clean(old, keep=2)
    assert old.kept_runs() == old.runs[-2:]
    for run_id in old.runs[:-2]:
        names = {path.name for path in (old.workspace.runs / run_id).iterdir()}
        assert names == {"summary.json", "config.yaml"}
        assert not old.workspace.log(run_id).exists()
    assert artifacts_of(old) == set(old.runs[-2:])
    assert len(list(old.workspace.inputs.iterdir())) == 2


def test_ml_metadata_knows_the_kept_runs_alone(old):
    clean(old, keep=2)
    store = open_store(old.workspace.metadata)
    contexts = {context.name for context in store.get_contexts_by_type("pipeline_run")}
    assert contexts == set(old.runs[-2:])
    assert len(store.get_executions()) == 4
    assert len(store.get_contexts_by_type("execution_cache")) == 4


def test_a_second_cleaning_finds_nothing(old):
    clean(old)
    files = old.files()
    assert clean(old).removed == []
    assert old.files() == files


def test_a_dry_run_says_the_same_and_changes_nothing(old):
    files = old.files()
    database = old.workspace.metadata.read_bytes()
    foreseen = clean(old, dry_run=True)
    assert old.files() == files
    assert old.workspace.metadata.read_bytes() == database
    assert clean(old).removed == foreseen.removed


def test_the_size_is_what_the_disk_gets_back(old):
    def disk() -> int:
        return sum(
            path.stat().st_blocks * 512
            for path in old.workspace.root.rglob("*")
            if path.is_file() and path.name != ".lock"  # which names the command that holds it
        )

    old.workspace.metadata.rename(old.workspace.root.with_name("metadata"))
    shutil.rmtree(old.workspace.artifacts)
    before = disk()
    result = clean_workspace(old.workspace, 2, PendingBatches)
    assert result.size == before - disk() > 0


def test_failed_and_killed_runs_go_in_whole_but_for_the_newest_which_is_resumed(tmp_path):
    old = OldWorkspace(tmp_path / "workspace")
    failed = [*old.add_runs(2, "failed"), *old.add_runs(2, "killed")]
    pushed = old.add_runs(2)
    killed = old.add_run("killed")
    clean(old, keep=2)
    folders = {path.name for path in old.workspace.runs.iterdir()}
    assert folders == {*pushed, killed}
    assert artifacts_of(old) == {*pushed, killed}
    assert old.workspace.unfinished_run() == killed
    assert not any(old.workspace.log(run_id).exists() for run_id in failed)


def test_the_version_that_serves_and_its_baseline_stay_though_many_were_rolled_back(old):
    while old.store.newest() != 2:
        old.store.roll_back()
    old.add_run(baseline=2)  # version 7
    result = clean(old, keep=2)
    assert old.store.versions() == [2, 7]
    assert old.store.removed_versions() == [1]
    assert old.store.rolled_back_versions() == [3, 4, 5, 6]
    complete = [
        one for one in (3, 4, 5, 6) if (old.store.rolled_back / f"{one}/saved_model.pb").exists()
    ]
    assert complete == [5, 6]
    assert counts(result)["rolled-back versions"] == 2


def test_versions_in_use_by_a_server_stay_until_it_ends(old):
    handle = mark_in_use(old.store.path(1))
    assert handle is not None
    [versions] = clean(old).kept.versions
    assert old.store.versions() == [1, 5, 6]
    assert versions.in_use == {1}
    os.close(handle)
    clean(old)
    assert old.store.versions() == [5, 6]


def test_a_version_whose_record_another_user_owns_counts_as_in_use(old, monkeypatch):
    assert not is_in_use(old.store.path(1))

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # root may open all files
    assert is_in_use(old.store.path(1))


def test_what_is_only_deleted_goes_before_a_version_needs_room_to_move(old, monkeypatch):
    """On a full disk, the folder for the version cannot be created before something is freed."""
    failed = old.add_run("failed")
    old.add_runs(2)
    write_files(old.workspace.root, {f"logs/{old.runs[0]}.log": b"1", "inputs/listing.part": b"1"})
    left = [f"runs/{failed}", f"logs/{old.runs[0]}.log", "inputs/listing.part"]

    def refuse(*_):
        assert not [name for name in left if (old.workspace.root / name).exists()]
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(VersionStore, "remove", refuse)
    with pytest.raises(OSError, match="No space left"):
        clean(old)


def test_of_a_version_that_is_a_link_the_link_alone_goes(old, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    old.store.path(1).rename(elsewhere)
    old.store.path(1).symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    clean_workspace(old.workspace, 2, PendingBatches)
    assert 1 not in old.store.versions()
    assert not os.path.lexists(old.store.folder(1))
    assert sorted(elsewhere.rglob("*")) == before


def test_candidates_that_can_still_be_pushed_stay_and_others_do_not(old):
    outdated = old.add_run("awaiting", batch="b1", baseline=3)
    awaiting = old.add_run("awaiting", batch="b2")
    rejected = old.add_run("rejected", batch="b3")
    old.add_runs(3, "failed")
    candidates = frozenset({outdated, awaiting, rejected})
    clean(old, pending=PendingBatches(candidates=candidates))
    assert {awaiting, rejected} <= artifacts_of(old)
    assert outdated not in artifacts_of(old)


def test_the_newest_run_of_an_open_batch_stays_with_its_artifacts(old):
    first, second = old.add_run("killed", batch="open"), old.add_run("killed", batch="open")
    old.add_runs(3)
    clean(old, pending=PendingBatches(open=frozenset({"open"})))
    assert second in artifacts_of(old)
    assert first not in artifacts_of(old)


def test_artifacts_that_the_cache_gave_to_a_kept_run_stay(tmp_path):
    old = OldWorkspace(tmp_path / "workspace")
    first, _ = old.add_runs(2)
    cached = old.add_run(cached_of=first)
    old.add_run()
    clean(old, keep=2)
    assert artifacts_of(old) == {first, cached, old.runs[-1]}
    store = open_store(old.workspace.metadata)
    made = [
        one for one in store.get_artifacts() if one.custom_properties["run"].string_value == first
    ]
    assert {Path(one.uri).parent.name for one in made} == {"examples", "catalog"}


def test_what_users_gave_and_asked_for_stays(old):
    old.batch("b1")
    mine = {
        "exports/shapes/1/model.tflite": b"1",
        "traffic/1.tfrecord": b"1",
        "monitoring/state.json": b"1",
        "history.html": b"1",
        "features/network/features.bin": b"1",
        "notes.txt": b"of a user",
        "runs/notes.txt": b"of a user",
        "inputs/notes.txt": b"of a user",
    }
    write_files(old.workspace.root, mine)
    clean(old)
    files = old.files()
    assert set(mine) <= set(files)
    assert {"batches/b1/files/1.png", "batches/b1/listing.jsonl"} <= set(files)


def test_pictures_to_label_stay_while_labels_decide(old):
    for digest in ("awaiting", "open", "decided"):
        old.batch(digest)
    beside = {".awaiting-labelled.labels.jsonl", "awaiting-labelled"}
    labelling = [f"to_label/.{name}-labelled.labels.jsonl" for name in ("awaiting", "decided")]
    files = [*labelling, "to_label/awaiting-labelled/1.png", "to_label/decided-labelled/1.png"]
    write_files(old.workspace.root, dict.fromkeys(files, b"a label"))
    pending = PendingBatches(frozenset({"open"}), frozenset({"awaiting"}))
    clean(old, pending=pending)
    left = {path.name for path in old.workspace.to_label.iterdir()}
    assert left == {"awaiting", "open", *beside}


def test_what_killed_processes_have_left_goes(old):
    left = {
        ".incoming-shapes/saved_model.pb": b"1",
        "batches/.incoming/files/1.png": b"1",
        "inputs/listing.part": b"1",
        "inputs/unlabelled-0123456789abcdef/pictures.tfrecord": b"1",
        "to_label/.select-x.part/draft/1.png": b"1",
        "artifacts/Trainer/.system/stateful_working_dir/run/1": b"1",
        "artifacts/Trainer/model/5000/weights": b"1",  # of an execution whose row was removed
    }
    write_files(old.workspace.root, {name: left[name] for name in list(left)[:-1]})
    clean(old)
    assert not set(left) & set(old.files())


def test_examples_of_unlabelled_pictures_stay_while_a_batch_is_open(old):
    write_files(old.workspace.root, {"inputs/unlabelled-0123456789abcdef/pictures.tfrecord": b"1"})
    clean(old, pending=PendingBatches(open=frozenset({"b1"})))
    assert "inputs/unlabelled-0123456789abcdef/pictures.tfrecord" in old.files()


def test_a_long_log_of_a_command_keeps_its_newest_lines(old):
    log = old.workspace.log("retrain")
    log.write_text("".join(f"{number:07d} line\n" for number in range(500_000)))
    clean(old)
    lines = log.read_text().splitlines()
    assert lines[-1] == "0499999 line"
    assert lines == [f"{number:07d} line" for number in range(500_000 - len(lines), 500_000)]
    assert 1.9 * 2**20 < log.stat().st_size <= 2 * 2**20


def test_only_the_named_model_is_cleaned(old):
    other = OldWorkspace(old.workspace.root, "letters")
    other.add_runs(4)
    old.add_runs(2)
    clean(old, name="shapes")
    assert old.store.versions() == [7, 8]
    assert other.store.versions() == [1, 2, 3, 4]
    assert old.kept_runs() == [*other.runs, *old.runs[-2:]]
    clean(old)
    assert other.store.versions() == [3, 4]
    assert old.kept_runs() == [*other.runs[-2:], *old.runs[-2:]]


def test_a_serving_version_whose_list_has_no_groups_keeps_the_runs_that_have_them(old):
    table = pa.table({"location": [b"1.png"], "group": pa.array([None], pa.binary(16))})
    pq.write_table(table, old.store.path(6) / PICTURES)
    result = clean(old)
    assert counts(result) == {"versions": 4, "working folders": 12}
    assert old.kept_runs() == old.runs
    pq.write_table(table.set_column(1, "group", [[bytes(16)]]), old.store.path(6) / PICTURES)
    clean(old)
    assert old.kept_runs() == old.runs[-2:]


def test_a_workspace_in_use_is_left_alone(old):
    files = old.files()
    with old.workspace.lock(), pytest.raises(InputError, match="is in use"):
        clean(old)
    assert old.files() == files


def test_artifacts_that_ml_metadata_does_not_know_are_left_alone(old):
    old.workspace.metadata.unlink()
    with pytest.raises(UnavailableError, match="does not know"):
        clean_workspace(old.workspace, 2, PendingBatches)
    assert artifacts_of(old) == set(old.runs)


def test_tables_of_another_ml_metadata_are_left_alone(old):
    import sqlite3

    with sqlite3.connect(old.workspace.metadata) as connection:
        connection.execute("update MLMDEnv set schema_version = 11")
    with pytest.raises(UnavailableError, match="schema version 11"):
        clean_workspace(old.workspace, 2, PendingBatches)
    assert artifacts_of(old) == set(old.runs)


def test_a_workspace_with_nothing_in_it_is_clean(tmp_path):
    assert clean_workspace(Workspace(tmp_path), 2, PendingBatches).removed == []


def test_the_numbers_of_removed_versions_are_not_used_again(old):
    old.workspace.root.joinpath(".highest-version-shapes").unlink()
    clean(old)
    shutil.rmtree(old.store.serving)
    old.add_run()
    assert old.store.versions() == [5]


def test_the_version_that_serves_while_later_ones_are_in_shadow_stays_with_its_run(old):
    write_shadow(old, '{"promoted": 2}')
    result = clean(old, keep=2)
    assert old.store.versions() == [2, 5, 6]
    assert (old.workspace.runs / old.store.read_push(2).run_id / "config.yaml").exists()
    assert result.removed
    write_shadow(old, '{"promoted": 4}')  # it was removed: the one before it serves
    clean(old, keep=1)
    assert old.store.versions() == [2, 5, 6]  # the run of version 6 compared it with 5


def test_where_the_state_of_the_shadow_is_damaged_all_versions_stay(old, caplog):
    write_shadow(old, '{"promoted": "2"}')
    clean(old, keep=1)
    assert old.store.versions() == [1, 2, 3, 4, 5, 6]
    assert "shapes.json is damaged" in caplog.text


@pytest.mark.parametrize("number", [2, 6])
def test_beside_a_damaged_record_of_a_version_nothing_is_removed(old, number):
    record = old.store.path(number) / PUSH_RECORD
    record.write_text("{")
    before = set(old.workspace.root.rglob("*"))
    with pytest.raises(InputError, match=rf"{number}/.*push\.json.*damaged"):
        clean_workspace(old.workspace, 2, PendingBatches)
    assert before <= set(old.workspace.root.rglob("*"))
