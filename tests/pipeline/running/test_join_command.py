"""Who may join a training, and who leads."""

import json

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.running.join_command import lead_others
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError


@pytest.fixture
def places(monkeypatch):
    def place(role: str, index: int = 0) -> None:
        cluster = {"chief": ["one:1"], "worker": ["two:1"]}
        task = {"type": role, "index": index}
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))

    return place


def join(workspace) -> InputError:
    result = CliRunner().invoke(app, ["join", "--workspace", str(workspace)])
    assert isinstance(result.exception, InputError)
    return result.exception


def test_nobody_can_join_where_nobody_else_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert "names no other process" in str(join(tmp_path))


def test_who_leads_does_not_join(tmp_path, places):
    places("chief")
    assert "Run the pipeline here" in str(join(tmp_path))


def test_who_does_not_lead_is_told_to_join(tmp_path, places):
    places("worker")
    with pytest.raises(InputError, match=r"process \(two:1\) does not lead. Run `carryover join"):
        lead_others(Workspace(tmp_path))


def test_a_leader_takes_back_what_a_killed_one_left(tmp_path, places):
    rendezvous = Workspace(tmp_path).rendezvous
    rendezvous.mkdir()
    (rendezvous / "invitation.json").write_text("{}")
    places("chief")
    lead_others(Workspace(tmp_path))
    assert list(rendezvous.iterdir()) == []


def test_a_cross_validation_does_not_wait_for_others(tmp_path, places):
    places("chief")
    result = CliRunner().invoke(app, ["crossval", "--data", str(tmp_path)])
    assert isinstance(result.exception, InputError)
    assert "Unset TF_CONFIG" in str(result.exception)
