"""Every file of a workspace, damaged in every way: what readers of all runs and versions do."""

import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from damaged_files import DAMAGES, damage_id, restored
from tiny_pictures import write_files
from tiny_summary import domain, summary

from components.pusher.version_store import Push, VersionStore
from pipeline.config.run_config import RunConfig
from pipeline.config.stored_config import write_config
from pipeline.report.history_page import read_candidates, write_history_page
from pipeline.report.run_record import read_record
from pipeline.retraining.ledger import Ledger, read_batches
from pipeline.summary.run_outputs import read_outputs, write_outputs
from pipeline.summary.summary_schema import Summary
from pipeline.version_lookup import show_versions
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.model_assets import PUSH_RECORD

PUSH = Push("digest", "", "key", None, "2024-01-01T00:00:00+00:00", {"day": {"accuracy": 0.5}})

FIRST, SECOND = "20240101-000000", "20240102-000000"

SUMMARY, CONFIG = f"runs/{FIRST}/summary.json", f"runs/{FIRST}/config.yaml"
OUTPUTS, BATCH = f"runs/{FIRST}/outputs.json", f"runs/{FIRST}/batch"
RECORD = f"serving/pets/1/{PUSH_RECORD}"


@pytest.fixture(name="workspace")
def _workspace(undamaged: Path, tmp_path: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(undamaged, tmp_path / "workspace")))


@pytest.fixture(name="undamaged", scope="module")
def _undamaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs that pushed versions 1 and 2; the first was a retraining for a batch."""
    folder = tmp_path_factory.mktemp("undamaged")
    workspace = Workspace(folder / "workspace")
    store = VersionStore(workspace.root, "pets")
    model = write_files(folder / "model", {"saved_model.pb": b"graph"})
    for number, run_id in enumerate((FIRST, SECOND), start=1):
        folder = workspace.runs / run_id
        write_files(folder, {"batch": b"0123456789abcdef\n"} if run_id == FIRST else {})
        folder.mkdir(parents=True, exist_ok=True)
        summary(run_id=run_id, pushed_version=number, domains={"day": domain(0.5)}).write(folder)
        config = RunConfig(name="pets", data="/data", workspace=workspace.root)
        write_config(workspace.config_file(run_id), config)
        write_outputs({"Trainer": {"model": "/model"}}, folder)
        store.push(model, replace(PUSH, run_id=run_id, digest=run_id))
    batch = Ledger(workspace.root).add("monday", "/inbox/monday", "digest", "stamp")
    assert batch
    Ledger(workspace.root).finish(batch.number, "pushed", "better", run_id=FIRST, version=1)
    return workspace.root


def page(workspace: Workspace) -> str:
    return write_history_page(workspace, read_batches(workspace.root)).read_text()


@pytest.mark.parametrize(
    ("name", "damage"),
    [*product([SUMMARY, RECORD], DAMAGES), *product([CONFIG, OUTPUTS, BATCH], DAMAGES[:1])],
    ids=damage_id,
)
def test_the_history_lists_what_is_damaged_and_has_everything_else(workspace, name, damage, capsys):
    file = workspace.root / name
    with restored(file):
        damage(file)
        text = page(workspace)
        assert SECOND in text
        assert "monday" in text
        is_part_of_the_page = name in (SUMMARY, RECORD)
        assert ("Damaged files" in text) == is_part_of_the_page
        assert (str(file) in text) == is_part_of_the_page
        assert (str(file) in capsys.readouterr().err) == is_part_of_the_page
    assert "Damaged files" not in page(workspace)


@pytest.mark.parametrize("damage", DAMAGES, ids=damage_id)
@pytest.mark.parametrize("name", [SUMMARY, CONFIG, RECORD])
def test_versions_and_the_report_of_another_run_do_not_depend_on_a_damaged_file(
    workspace, name, damage, capsys
):
    damage(workspace.root / name)
    show_versions(VersionStore(workspace.root, "pets"))
    printed = capsys.readouterr()
    assert "2 (serving)" in printed.out
    assert ("damaged" in printed.out) == (name == RECORD)
    assert (str(workspace.root / name) in printed.err) == (name == RECORD)
    assert read_record(workspace, None).folder.name == SECOND


@pytest.mark.parametrize("damage", DAMAGES, ids=damage_id)
@pytest.mark.parametrize(
    ("name", "read"),
    [
        (SUMMARY, lambda workspace: Summary.read(workspace.runs / FIRST)),
        (SUMMARY, lambda workspace: read_record(workspace, FIRST)),
        (CONFIG, lambda workspace: read_record(workspace, FIRST)),
        (CONFIG, lambda workspace: workspace.data_root(FIRST, "/data")),
        (OUTPUTS, lambda workspace: read_outputs(workspace.runs / FIRST)),
        (BATCH, lambda workspace: workspace.batch_digest(FIRST)),
        (RECORD, lambda workspace: VersionStore(workspace.root, "pets").read_push(1)),
    ],
    ids=["summary", "report", "config", "data root", "outputs", "batch", "record"],
)
def test_the_reader_of_a_damaged_file_names_it_and_tells_what_to_do(workspace, name, read, damage):
    file = workspace.root / name
    with restored(file):
        damage(file)
        if name == BATCH and file.is_file() and file.read_bytes().strip(b"\0"):
            return  # any text may be a digest
        with pytest.raises(UnavailableError) as error:
            read(workspace)
        assert f" {file} " in str(error.value)
        assert "Restore" in str(error.value)
    read(workspace)


def test_a_run_whose_version_has_a_damaged_record_was_still_pushed(workspace):
    (workspace.root / RECORD).write_bytes(b"")
    candidates = read_candidates(workspace, [])
    assert [(one.outcome, one.version) for one in candidates] == [("pushed", 1), ("pushed", 2)]


def test_a_workspace_in_which_every_summary_is_damaged_has_a_page_that_says_so(workspace):
    for run_id in (FIRST, SECOND):
        (workspace.runs / run_id / "summary.json").write_bytes(b"")
    text = page(workspace)
    assert all(str(workspace.runs / one / "summary.json") in text for one in (FIRST, SECOND))


@pytest.mark.parametrize("content", [b"", bytes(4096), b"[]\n"])
def test_a_damaged_ledger_is_never_taken_for_a_new_one(workspace, content):
    ledger = workspace.root / "ledger.sqlite"
    (workspace.batches / "digest").mkdir(parents=True)
    with restored(ledger):
        ledger.write_bytes(content)
        with pytest.raises(InputError) as error:
            read_batches(workspace.root)
        assert f"ledger {ledger}: " in str(error.value)
        assert "Restore it from a backup, or move it away" in str(error.value)
        assert ledger.read_bytes() == content
    assert [batch.name for batch in read_batches(workspace.root)] == ["monday"]


def test_a_new_ledger_that_a_killed_process_has_not_filled_is_used(tmp_path):
    (tmp_path / "ledger.sqlite").write_bytes(b"")
    assert read_batches(tmp_path) == []
