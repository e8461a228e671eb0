"""Every printed command runs with two models, wherever it is pasted."""

import shlex
from pathlib import Path

import pytest
import typer
import yaml
from candidate_runs import OPTIONS, CandidateRuns, deliver_unlabelled
from retraining_site import RetrainingSite
from tiny_workspace import NAME, push_copy
from typer.testing import CliRunner

from components.pusher.version_store import VersionStore
from pipeline.cli import app
from pipeline.config.run_config import RunConfig
from pipeline.labelling.decision_journal import DecisionJournal
from pipeline.retraining.batch import CHECK_LABELS
from pipeline.retraining.ledger import Ledger
from pipeline.retraining.unlabelled.label_commands import label_and_retrain

pytestmark = pytest.mark.component


@pytest.fixture(name="site")
def _site_of_two_models(site: RetrainingSite) -> RetrainingSite:
    """Let a batch await labels, and another one wait; both retrain the first of two models."""
    config = RunConfig(name=NAME, data="/data", workspace=site.workspace)
    run = site.workspace / "runs" / "run 1"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    push_copy(VersionStore(site.workspace, "other"), site.workspace / "model", "run 1")
    deliver_unlabelled(site, "dark")
    site.run(CandidateRuns(site), **OPTIONS)
    deliver_unlabelled(site, "mist", "fog", count=12, first=500)
    site.run()
    assert site.states() == ["awaiting_labels", "too_little_data"]
    return site


def commands(text: str) -> list[list[str]]:
    """Return the commands in a text, as lists of words without the first one."""
    lines = (line.strip() for line in text.splitlines())
    return [shlex.split(line)[1:] for line in lines if line.startswith("carryover ")]


def paste(words: list[str]) -> str:
    """Run a printed command; of `accept`, only check the options."""
    if words[0] == "accept":
        typer.main.get_command(app).commands["accept"].make_context("accept", words[1:])
        return ""
    if words[0] == "label":
        label_one(words)
    more = {"label": ["--finish"], "retrain": ["--dry-run"]}.get(words[0], [])
    done = CliRunner().invoke(app, [*words, *more])
    assert done.exit_code == 0, (words, done.output)
    return done.stdout


def label_one(words: list[str]) -> None:
    """Give the first picture of a printed `label` a label."""
    folder, output = Path(words[1]).resolve(), Path(words[words.index("--output") + 1])
    picture = min(folder.glob("*/_to_label/*.png"))
    status = picture.stat()
    journal = DecisionJournal(output.with_name(f".{output.name}.labels.jsonl"))
    journal.append(
        {"path": str(picture.relative_to(folder)), "bytes": status.st_size}
        | {"modified": status.st_mtime_ns, "decision": "labelled", "label": "red"}
    )
    journal.close()


@pytest.mark.parametrize("place", [".", "workspace", "inbox/dark"])
def test_what_history_and_label_print_runs_from_any_directory(site, monkeypatch, place):
    monkeypatch.chdir(site.inbox.parent / place)
    history = paste(["history", "--workspace", str(site.workspace)])
    printed = commands(history)
    assert sorted(words[0] for words in printed) == ["accept", "label", "label", "select"]
    for words in printed:
        for further in commands(paste(words)):
            if further[0] == "retrain":
                assert further[further.index("--name") + 1] == NAME
                # The pass that has written `to_label` asked for fewer labels than by default.
                has_pass = Path(words[1]).is_relative_to(site.workspace)
                assert ("retrain.min_pictures=4" in further) is has_pass
                paste(further)


def test_what_a_report_and_an_accepted_batch_print_runs(site):
    [waiting, mist] = site.batches()
    Ledger(site.workspace).update(mist.number, state="held", reason=f"{CHECK_LABELS}.")
    accept = ["accept", "--batch", "mist", "--reason", "right", "--workspace", str(site.workspace)]
    done = CliRunner().invoke(app, accept)
    config = RunConfig(
        name=NAME, data="/data", workspace=site.workspace, retrain={"min_pictures": 7}
    )
    retrain = label_and_retrain(site.workspace, waiting, config)[-1]
    assert retrain.endswith(" --set retrain.min_pictures=7")
    line = done.stdout[done.stdout.index("carryover retrain") :]
    for words in commands("\n".join([*label_and_retrain(site.workspace, waiting, config), line])):
        paste(words)
