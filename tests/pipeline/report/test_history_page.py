"""The history page of a workspace."""

import re
from pathlib import Path

import pytest
from tiny_pictures import write_files
from tiny_summary import domain, summary

from components.pusher.version_store import Push, VersionStore
from pipeline.report.history_page import read_candidates, write_history_page
from pipeline.retraining.ledger import Ledger, read_batches
from pipeline.version_lookup import roll_back
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError


def add_run(root: Path, run_id: str, status: str, accuracy: float, **changes: object) -> None:
    """Add a run whose candidate has this accuracy in its only domain."""
    folder = root / "runs" / run_id
    folder.mkdir(parents=True)
    results = {"day & night": domain(accuracy)}
    summary(run_id=run_id, status=status, domains=results, **changes).write(folder)


def push(root: Path, run_id: str, accepted: str | None = None) -> None:
    """Push the model of a run."""
    model = write_files(root / "model", {"saved_model.pb": run_id.encode()})
    record = Push(run_id, run_id, "key", None, "2024-01-01T00:00:00+00:00", {}, accepted=accepted)
    VersionStore(root, "pets").push(model, record)


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    """Runs: pushed, rejected, accepted, rolled back, cached and failed."""
    add_run(tmp_path, "1", "pushed", 0.8)
    push(tmp_path, "1")
    add_run(tmp_path, "2", "not_blessed", 0.7, reasons=["domain 'day & night': worse"])
    add_run(tmp_path, "3", "not_blessed", 0.75)
    push(tmp_path, "3", accepted="we know")
    add_run(tmp_path, "4", "pushed", 0.9)
    push(tmp_path, "4")
    roll_back(VersionStore(tmp_path, "pets"), "wrong <pictures>")
    add_run(tmp_path, "5", "pushed", 0.8, new_version=False)
    add_run(tmp_path, "6", "failed", 0.1, new_version=False)
    ledger = Ledger(tmp_path)
    batch = ledger.add("monday <b>", "/inbox/monday", "digest", "stamp")
    assert batch
    ledger.finish(batch.number, "rejected", "the gate", run_id="2")
    return tmp_path


def test_every_candidate_is_listed_with_its_outcome(root):
    candidates = read_candidates(Workspace(root), read_batches(root))
    assert [one.summary.run_id for one in candidates] == ["1", "2", "3", "4"]
    outcomes = ["pushed", "rejected", "accepted", "rolled back"]
    assert [one.outcome for one in candidates] == outcomes
    assert [one.version for one in candidates] == [1, None, 2, 3]
    assert [one.batches for one in candidates] == [[], ["monday <b>"], [], []]
    assert candidates[2].reasons == ["accepted: we know"]
    [reason] = candidates[3].reasons
    assert reason.startswith("rolled back 20")
    assert reason.endswith(": wrong <pictures>")


def test_the_page_has_a_plot_per_domain_and_escapes_names(root):
    path = write_history_page(Workspace(root), read_batches(root))
    text = path.read_text()
    assert path == root / "history.html"
    assert 'aria-label="accuracy of every candidate in day &amp; night"' in text
    assert "monday &lt;b&gt;" in text
    assert "monday <b>" not in text
    assert "wrong &lt;pictures&gt;" in text
    assert "var(--series-3)" in text  # the ring of the best version


def test_a_candidate_that_was_accepted_again_after_a_rollback_is_a_version(root):
    push(root, "4", accepted="right after all")
    last = read_candidates(Workspace(root), [])[-1]
    assert (last.outcome, last.version) == ("accepted", 4)
    assert last.reasons == ["accepted: right after all"]


def test_a_batch_whose_version_was_rolled_back_is_listed_as_such(root):
    batch = Ledger(root).add("tuesday", "/inbox/tuesday", "of tuesday", "stamp")
    assert batch
    model = write_files(root / "model", {"saved_model.pb": b"6"})
    record = Push("6", "6", "key", None, "2024-01-01T00:00:00+00:00", {}, batch="of tuesday")
    version = VersionStore(root, "pets").push(model, record)
    Ledger(root).finish(batch.number, "pushed", "better", version=version)
    before = write_history_page(Workspace(root), read_batches(root)).read_text()
    roll_back(VersionStore(root, "pets"), "blurred")
    after = write_history_page(Workspace(root), read_batches(root)).read_text()
    assert "blurred" not in before
    assert re.search(r"better; rolled back [\d: -]+: blurred", after)
    assert after.count(">rolled back</td>") == 1


def test_without_an_evaluated_model_there_is_no_history(tmp_path):
    with pytest.raises(InputError, match="has evaluated a model yet"):
        write_history_page(Workspace(tmp_path), [])


@pytest.mark.parametrize("content", ["", "{", "[]", '{"run_id": "2"}', "\0\0"])
def test_a_run_with_a_damaged_summary_is_left_out_and_named(root, capsys, content):
    damaged = root / "runs" / "2" / "summary.json"
    damaged.write_text(content)
    assert [one.summary.run_id for one in read_candidates(Workspace(root), [])] == ["1", "3", "4"]
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"carryover: a run is left out: summary {damaged} is damaged: ")
    assert write_history_page(Workspace(root), []).exists()
