"""The page of a workspace's history."""

from pathlib import Path

import pytest
from tiny_pictures import write_files
from tiny_summary import domain, summary

from components.pusher.version_store import Push, VersionStore
from pipeline.report.history_page import read_candidates, write_history
from pipeline.retraining.ledger import Ledger
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError


def add_run(root: Path, run_id: str, status: str, accuracy: float, **changes: object) -> None:
    """A run whose candidate had an accuracy in one domain."""
    folder = root / "runs" / run_id
    folder.mkdir(parents=True)
    results = {"day & night": domain(accuracy)}
    summary(run_id=run_id, status=status, domains=results, **changes).write(folder)


def push(root: Path, run_id: str, accepted: str | None = None) -> None:
    """A version that came from a run."""
    model = write_files(root / "model", {"saved_model.pb": run_id.encode()})
    record = Push(run_id, run_id, "key", None, "2024-01-01T00:00:00+00:00", {}, accepted=accepted)
    VersionStore(root, "pets").push(model, record)


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    """Pushed, rejected, accepted, pushed and rolled back, answered from the cache, failed."""
    add_run(tmp_path, "1", "pushed", 0.8)
    push(tmp_path, "1")
    add_run(tmp_path, "2", "not_blessed", 0.7, reasons=["domain 'day & night': worse"])
    add_run(tmp_path, "3", "not_blessed", 0.75)
    push(tmp_path, "3", accepted="we know")
    add_run(tmp_path, "4", "pushed", 0.9)
    push(tmp_path, "4")
    VersionStore(tmp_path, "pets").roll_back()
    add_run(tmp_path, "5", "pushed", 0.8, new_version=False)
    add_run(tmp_path, "6", "failed", 0.1, new_version=False)
    ledger = Ledger(tmp_path)
    entry = ledger.take("monday <b>", "/inbox/monday", "digest", "stamp")
    assert entry
    ledger.finish(entry.number, "rejected", "the gate", run_id="2")
    return tmp_path


def test_every_new_candidate_is_there_with_what_became_of_it(root):
    found = read_candidates(Workspace(root))
    assert [one.summary.run_id for one in found] == ["1", "2", "3", "4"]
    outcomes = ["pushed", "rejected", "accepted", "rolled back"]
    assert [one.outcome for one in found] == outcomes
    assert [one.version for one in found] == [1, None, 2, 3]
    assert [one.batches for one in found] == [[], ["monday <b>"], [], []]
    assert found[2].why == ["accepted: we know"]


def test_the_page_has_a_plot_per_domain_and_escapes_names(root):
    path = write_history(Workspace(root))
    text = path.read_text()
    assert path == root / "history.html"
    assert 'aria-label="accuracy of every candidate in day &amp; night"' in text
    assert "monday &lt;b&gt;" in text
    assert "<b>" not in text


def test_without_a_tested_model_there_is_no_history(tmp_path):
    with pytest.raises(InputError, match="has tested a model yet"):
        write_history(Workspace(tmp_path))
