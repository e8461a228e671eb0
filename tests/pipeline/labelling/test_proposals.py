import sys
import time

import pytest
from label_page import open_session
from tiny_pictures import solid, write_files

from pipeline.labelling import proposals as proposals_module
from pipeline.labelling.picture_list import picture_id
from pipeline.labelling.proposals import Proposal, Proposals

#: Replies for the paths of stdin: bad files are unreadable, and the process ends before `last`.
PROGRAM = """
import json, sys
for path in json.load(sys.stdin):
    name = path.rsplit("/", 1)[-1]
    if name == "last.png":
        sys.exit(1)
    reply = {"reason": "bad"} if name == "bad.png" else {"label": name[0], "confidence": 0.5}
    print(json.dumps(reply), flush=True)
"""


@pytest.fixture(name="run")
def _run(tmp_path, monkeypatch):
    monkeypatch.setattr(
        proposals_module, "isolated_module", lambda module: [sys.executable, "-c", PROGRAM]
    )
    folder = tmp_path / "pictures"

    def run(names: list[str], decided: tuple[str, ...] = ()):
        write_files(folder, {f"fog/{name}.png": solid("red") for name in names})
        proposals = Proposals()
        with open_session(folder, ["x"]) as session:
            for name in decided:
                session.decide(picture_id(f"fog/{name}.png"), "skipped")
            proposals.start(tmp_path, session, folder)
            deadline = time.monotonic() + 30
            while proposals.is_running and time.monotonic() < deadline:
                time.sleep(0.01)
            proposals.stop()
            return proposals, session

    return run


def names(proposals, after=0):
    return [one.label for one in proposals.after(after)]


def test_proposals_come_for_pictures_without_a_decision_first(run):
    proposals, _ = run(["a", "b", "c"], decided=("a",))
    assert sorted(names(proposals)[:2]) == ["b", "c"]
    assert names(proposals, after=2) == ["a"]
    assert proposals.after(2) == [Proposal(picture_id("fog/a.png"), "a", 0.5)]
    assert not proposals.has_failed


def test_a_file_that_cannot_be_read_is_marked(run):
    proposals, session = run(["a", "bad", "c"])
    assert names(proposals) == ["a", "c"]
    assert session.unreadable() == [picture_id("fog/bad.png")]


def test_a_process_that_ends_too_early_is_noticed_and_its_proposals_stay(run):
    proposals, _ = run(["a", "last", "z"])
    assert names(proposals) == ["a"]
    assert proposals.has_failed


def test_without_a_model_there_are_no_proposals():
    proposals = Proposals()
    proposals.stop()
    assert proposals.after(0) == []
    assert not proposals.is_running
