"""The commands that choose and label pictures run as they are printed, in every round."""

import shlex
from pathlib import Path

import pytest
import yaml
from candidate_runs import deliver_unlabelled
from retraining_site import RetrainingSite
from tiny_workspace import NAME
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.config.run_config import RunConfig
from pipeline.labelling.decision_journal import DecisionJournal
from pipeline.retraining.ledger_table import next_steps

pytestmark = pytest.mark.component


@pytest.fixture(name="site")
def _site_with_config(site: RetrainingSite, monkeypatch: pytest.MonkeyPatch) -> RetrainingSite:
    """Write the config of the run of the serving version, which `select` reads."""
    config = RunConfig(name=NAME, data="/data", workspace=site.workspace)
    run = site.workspace / "runs" / "run 1"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    monkeypatch.chdir(site.workspace.parent)
    return site


def printed(site: RetrainingSite) -> list[list[str]]:
    """Return the commands that `history` prints, as lists of words without the first one."""
    lines = next_steps(site.batches(), site.workspace)
    return [shlex.split(line)[1:] for line in lines if line.startswith("  carryover ")]


def run(words: list[str]) -> str:
    """Run a command, and return its output."""
    done = CliRunner().invoke(app, words)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def give_label(words: list[str]) -> str:
    """Give the first picture of a printed `label` a label, and finish; return the output."""
    folder, output = Path(words[1]), Path(words[words.index("--output") + 1])
    picture = min(folder.resolve().glob("*/_to_label/*.png"))
    status = picture.stat()
    journal = DecisionJournal(output.with_name(f".{output.name}.labels.jsonl"))
    journal.append(
        {"path": str(picture.relative_to(folder.resolve())), "bytes": status.st_size}
        | {"modified": status.st_mtime_ns, "decision": "labelled", "label": "red"}
    )
    journal.close()
    return run([*words, "--finish"])


@pytest.mark.parametrize("name", ["dark", "-x", "--help"])
def test_the_printed_commands_run_in_the_first_and_in_the_second_round(site, name):
    deliver_unlabelled(site, name, count=12)
    site.run()
    for number in (1, 2):
        select, label = printed(site)
        output = run(select)
        [line] = [line for line in output.splitlines() if line.startswith("To label them: ")]
        own = shlex.split(line.removeprefix("To label them: "))[1:]
        # `select` prints the same command, with the absolute path of the folder.
        assert own == [label[0], str(Path(label[1]).resolve()), *label[2:]]
        assert "1 labelled picture" in give_label(label)
        site.run()
        assert len(site.batches()) == 1 + number
    assert [batch.name for batch in site.batches()] == [name, f"{name}-labels", f"{name}-labels-2"]
    assert {batch.replaced_by for batch in site.batches()} == {None}
    # What has a label is not chosen again.
    chosen = sorted(path.name for path in site.workspace.parent.glob("*-to-label*"))
    assert chosen == [f"{name}-to-label", f"{name}-to-label-2"]
