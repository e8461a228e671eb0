"""What docs/retraining.md says to do about every outcome, done with the command from that state."""

import functools
import os
import re
import shutil
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from finished_run import RUN_ID, add_run
from retraining_site import (
    CORRECT,
    PUSHED,
    REJECTED,
    RUN_FAILED,
    WRONG,
    KilledError,
    Pipeline,
    RetrainingSite,
    UnexpectedRunError,
)
from tiny_workspace import push_copy, write_colours

from pipeline import cli
from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot
from pipeline.retraining import retraining_pass
from pipeline.retraining.retraining_pass import RetrainingPass
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace
from trainer_module.contract.errors import DataError

pytestmark = pytest.mark.component

REJECTED_RUN = REJECTED.model_copy(update={"run_id": RUN_ID})


class Ended(NamedTuple):
    code: int
    output: str
    errors: str


class Commands:
    """Runs `carryover` with a run of the pipeline that is given."""

    def __init__(self, site: RetrainingSite, monkeypatch: Any, capsys: Any) -> None:
        self._site, self._monkeypatch, self._capsys = site, monkeypatch, capsys
        self._config = site.workspace.parent / "config.yaml"
        self._config.write_text(
            "data: /data\n"
            "retrain: {min_pictures: 4, quiet_seconds: 0, allowed_roots: [pictures, late]}\n"
        )

    def run(self, *arguments: str) -> Ended:
        """Run a command on the workspace."""
        words = ["carryover", *arguments, "--workspace", str(self._site.workspace)]
        self._monkeypatch.setattr("sys.argv", words)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = self._capsys.readouterr()
        return Ended(ended.value.code or 0, printed.out, printed.err)

    def retrain(self, result: Any = None, *options: str) -> Ended:
        """Run `carryover retrain`; without a result, a run of the pipeline is an error."""
        run = result if callable(result) else Pipeline(result or UnexpectedRunError())
        replaced = functools.partial(RetrainingPass, run=run)
        self._monkeypatch.setattr(retraining_pass, "RetrainingPass", replaced)
        inbox = ("--inbox", str(self._site.inbox), "--config", str(self._config))
        return self.run("retrain", *inbox, *options)


@pytest.fixture(name="commands")
def _commands(site: RetrainingSite, monkeypatch: Any, capsys: Any) -> Commands:
    return Commands(site, monkeypatch, capsys)


def pushing(site: RetrainingSite) -> Callable[[RunConfig, Workspace, Snapshot], Summary]:
    """Return a run of the pipeline that pushes the next version."""

    def run(config: RunConfig, workspace: Workspace, snapshot: Snapshot) -> Summary:
        push_copy(site.store, site.workspace / "model", "run 2", snapshot.batch)
        return PUSHED.model_copy(update={"pushed_version": site.store.newest()})

    return run


def deliver(site: RetrainingSite, domain: str = "night", pictures: Any = WRONG) -> None:
    write_colours(site.inbox / "monday", domain, pictures)


def deliver_again(site: RetrainingSite) -> None:
    os.utime(site.inbox / "monday" / "_READY", (10**9, 10**9))


def test_waiting_deliver_the_files(site, commands):
    (site.inbox / "monday.csv").write_text("path,domain,label\n../late/1.png,night,red\n")
    ended = commands.retrain()
    assert ended.code == 0
    assert "monday.csv: waiting: 1 of 1 file is missing" in ended.output
    assert "waiting" in commands.run("history").output
    write_colours(site.inbox.parent / "late", "x", WRONG[:1])
    shutil.move(
        site.inbox.parent / "late" / "x" / "red" / "0.png", site.inbox.parent / "late" / "1.png"
    )
    assert "monday.csv: too_little_data" in commands.retrain().output


def test_waiting_correct_the_manifest(site, commands):
    deliver(site)
    picture = "monday/night/red/0.png"
    for path in (f"mistyped/{picture}", picture):
        (site.inbox / "list.csv").write_text(f"path,domain,label\n{path},fog,red\n")
        commands.retrain(PUSHED)
    states = [batch.state for batch in site.batches() if batch.name == "list.csv"]
    assert states == ["too_little_data"]


def test_waiting_remove_the_manifest(site, commands):
    (site.inbox / "monday.csv").write_text("path,domain,label\n../late/1.png,night,red\n")
    commands.retrain()
    (site.inbox / "monday.csv").unlink()
    assert "monday.csv: withdrawn" in commands.retrain().output
    assert site.states() == ["withdrawn"]


def test_taken_the_next_pass_resumes_it(site, commands):
    deliver(site)
    with pytest.raises(KilledError):
        commands.retrain(KilledError())
    assert site.states() == ["taken"]
    assert commands.retrain(PUSHED).code == 0
    assert site.states() == ["pushed"]


def test_pushed_nothing_or_roll_it_back_and_deliver_it_again(site, commands):
    deliver(site)
    assert commands.retrain(pushing(site)).code == 0
    assert "nothing to do" in commands.retrain().output
    assert commands.run("rollback", "--reason", "wrong pictures").code == 0
    history = " ".join(commands.run("history").output.split())
    assert re.search(r"rolled back 2 .*; rolled back [\d-]+ [\d:]+: wrong pictures", history)
    assert "nothing to do" in commands.retrain().output
    deliver_again(site)
    ended = commands.retrain(pushing(site))
    assert "monday: taken again: batch 1 was pushed and rolled back" in ended.output
    assert [(batch.state, batch.version) for batch in site.batches()] == [
        ("pushed", 2),
        ("pushed", 3),
    ]
    assert site.store.versions() == [1, 3]


@pytest.mark.parametrize(
    ("pictures", "state"), [(CORRECT, "good_enough"), (WRONG[:2], "too_little_data")]
)
def test_pictures_that_are_kept_join_the_next_training(site, commands, pictures, state):
    deliver(site, pictures=pictures)
    commands.retrain()
    assert site.states() == [state]
    write_colours(site.inbox / "tuesday", "night", WRONG, seed=300)
    pipeline = Pipeline(PUSHED)
    commands.retrain(pipeline)
    folders = {f"batches/{batch.digest}" for batch in site.batches()}
    assert set(pipeline.snapshots[0].new_folders) == folders
    assert len(folders) == 2


def test_rejected_accept_the_run_that_the_history_names(site, commands):
    deliver(site)
    assert commands.retrain(REJECTED_RUN).code == 3
    add_run(site.workspace, batch=site.batches()[0].digest)
    history = " ".join(commands.run("history").output.split())
    [run_id] = re.findall(r"\(run ([\d-]+)\)", history)
    command = f'accept {run_id} --reason "..." --workspace {site.workspace}'
    assert f"To push the candidate of monday all the same: carryover {command}" in history
    ended = commands.run("accept", run_id, "--reason", "we know")
    assert (ended.code, ended.output) == (
        0,
        f"Pushed version 2 of run {run_id}, accepted: we know\n",
    )
    [batch] = site.batches()
    assert (batch.state, batch.version) == ("pushed", 2)
    assert "all the same" not in commands.run("history").output
    deliver_again(site)
    assert "monday: nothing to do" in commands.retrain().output


def test_rejected_accept_it_after_it_was_rejected_twice(site, commands):
    deliver(site)
    commands.retrain(REJECTED_RUN)
    deliver_again(site)
    assert commands.retrain(REJECTED_RUN).code == 3
    add_run(site.workspace, batch=site.batches()[0].digest)
    assert commands.run("accept", RUN_ID, "--reason", "we know").code == 0
    assert [(batch.state, batch.replaced_by) for batch in site.batches()] == [
        ("rejected", 2),
        ("pushed", None),
    ]


@pytest.mark.parametrize("name", ["monday", "tuesday"])
def test_rejected_deliver_it_corrected(site, commands, name):
    deliver(site)
    commands.retrain(REJECTED)
    shutil.rmtree(site.inbox / "monday")
    write_colours(site.inbox / name, "night", CORRECT)
    assert commands.retrain().code == 0
    assert site.states() == ["rejected", "good_enough"]


@pytest.mark.parametrize("name", ["monday", "tuesday"])
def test_rejected_deliver_more_pictures(site, commands, name):
    deliver(site)
    commands.retrain(REJECTED)
    first = site.batches()[0].digest
    with_the_first, beside_them = (WRONG * 2, 100), (WRONG, 300)
    pictures, seed = with_the_first if name == "monday" else beside_them
    write_colours(site.inbox / name, "night", pictures, seed)
    pipeline = Pipeline(PUSHED)
    assert commands.retrain(pipeline).code == 0
    assert site.states() == ["rejected", "pushed"]
    assert f"batches/{first}" not in pipeline.snapshots[0].new_folders


@pytest.mark.parametrize("name", ["monday", "tuesday"])
def test_rejected_deliver_it_once_more(site, commands, name):
    deliver(site)
    commands.retrain(REJECTED)
    (site.inbox / "monday").rename(site.inbox / name)
    deliver_again(site) if name == "monday" else None
    assert commands.retrain(PUSHED).code == 0
    assert site.states() == ["rejected", "pushed"]


@pytest.mark.parametrize("name", ["monday", "tuesday"])
def test_held_correct_it_and_deliver_it_again(site, commands, name):
    deliver(site, domain="day")
    assert commands.retrain().code == 0
    assert site.states() == ["held"]
    shutil.rmtree(site.inbox / "monday")
    write_colours(site.inbox / name, "day", CORRECT)
    commands.retrain()
    assert site.states() == ["held", "good_enough"]


def held_for_labels(site: RetrainingSite, commands: Commands) -> None:
    deliver(site, domain="day")
    commands.retrain()
    assert site.states() == ["held"]
    command = f'carryover accept --batch monday --reason "..." --workspace {site.workspace}'
    assert command in commands.run("history").output.splitlines()[-1]


def test_held_accept_the_labels_and_the_next_pass_trains_on_them(site, commands):
    held_for_labels(site, commands)
    shutil.rmtree(site.inbox / "monday")  # the copy in the workspace is enough
    ended = commands.run("accept", "--batch", "monday", "--reason", "checked by hand")
    assert (ended.code, ended.output) == (
        0,
        "Accepted the labels of batch 1, monday: checked by hand. The next pass takes it: "
        f"carryover retrain --workspace {site.workspace} --inbox {site.inbox}\n",
    )
    assert site.states() == ["taken"]
    assert commands.retrain(None, "--dry-run").output.startswith("monday: retrain: ")
    pipeline = Pipeline(PUSHED)
    assert site.run(pipeline) == 0
    assert len(pipeline.snapshots) == 1
    told = [(event["event"], event["accepted"]) for event in site.events]
    assert told == [("retraining", "checked by hand"), ("pushed", "checked by hand")]
    [batch] = site.batches()
    assert (batch.state, batch.accepted) == ("pushed", "checked by hand")
    assert "Check the labels" in batch.reason  # why it was held is kept
    assert re.search("; labels accepted by .+: checked by hand$", batch.reason)
    assert not batch.is_held_for_labels
    assert "checked by hand" in commands.run("history").output


@pytest.mark.parametrize("name", ["monday", "tuesday"])
def test_held_the_acceptance_holds_for_the_same_pictures_alone(site, commands, name):
    held_for_labels(site, commands)
    commands.run("accept", "--batch", "monday", "--reason", "checked")
    commands.retrain(RUN_FAILED, "--set", "retrain.attempts=1")
    (site.inbox / "monday").rename(site.inbox / name)
    os.utime(site.inbox / name / "_READY", (10**9, 10**9))
    assert commands.retrain(REJECTED).code == 3
    assert [(batch.state, batch.accepted) for batch in site.batches()] == [
        ("failed", "checked"),
        ("rejected", "checked"),
    ]
    write_colours(site.inbox / name, "day", WRONG, seed=300)
    commands.retrain()
    last = site.batches()[-1]
    assert (last.state, last.accepted) == ("held", "")


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("unknown", "there is no batch sunday. Only a batch that is held because its labels"),
        ("pushed", "batch monday is pushed. Only"),
        (
            "rejected",
            "batch monday is rejected. Its candidate is accepted by its run: carryover accept "
            f"{RUN_ID} --reason",
        ),
        ("unreadable", "batch monday.csv is held. Only"),
        ("data gate", "batch monday is held. Only"),
        ("no reason", "--reason says nothing"),
        ("both", "give either RUN or --batch NAME"),
        ("neither", "give either RUN or --batch NAME"),
    ],
)
def test_only_a_batch_that_is_held_for_its_labels_is_accepted(site, commands, case, message):
    name, reason = "monday", "" if case == "no reason" else "why"
    if case == "unreadable":
        name = "monday.csv"
        (site.inbox / name).write_text("no,such,columns\n")
    else:
        deliver(site)
    results = {"data gate": DataError("new_class: 'pink'"), "rejected": REJECTED_RUN}
    commands.retrain(results.get(case, PUSHED))
    options = {"both": [RUN_ID, "--batch", name], "neither": [], "unknown": ["--batch", "sunday"]}
    before = site.batches()
    words = ["accept", *options.get(case, ["--batch", name]), "--reason", reason]
    ended = commands.run(*words)
    assert ended.code == 2
    assert ended.errors.startswith(f"carryover: {message}")
    assert site.batches() == before


def test_held_correct_an_unreadable_manifest(site, commands):
    manifest = site.inbox / "monday.csv"
    manifest.write_text("no,such,columns\n")
    commands.retrain()
    assert site.states() == ["held"]
    write_colours(site.inbox.parent / "late", "night", CORRECT)
    paths = sorted((site.inbox.parent / "late").rglob("*.png"))
    rows = [f"{path},night,{path.parent.name}" for path in paths]
    manifest.write_text("\n".join(["path,domain,label", *rows, ""]))
    commands.retrain()
    assert site.states() == ["held", "good_enough"]
    assert site.batches()[0].replaced_by == 2


def test_held_allow_the_folder_that_the_reason_names_without_another_delivery(site, commands):
    folder = site.inbox.parent / "elsewhere"
    write_colours(folder, "night", WRONG)
    (site.inbox / "monday.csv").write_text("path,domain,label\n")
    with (site.inbox / "monday.csv").open("a") as manifest:
        manifest.writelines(f"{path},night,red\n" for path in sorted(folder.rglob("*.png")))
    assert commands.retrain().code == 0
    assert site.states() == ["held"]
    [option] = re.findall(r"--set '(retrain\.allowed_roots=\[\S+\])'", site.batches()[0].reason)
    assert str(folder) in option
    assert commands.retrain(PUSHED, "--set", option).code == 0
    assert site.states() == ["held", "pushed"]


def test_held_allow_what_the_data_gate_found_and_deliver_it_again(site, commands):
    def run(config: RunConfig, workspace: Workspace, snapshot: Snapshot) -> Summary:
        if "new_class" not in config.validation.allow:
            raise DataError("new_class: the serving model does not know the class 'pink'")
        return PUSHED

    deliver(site)
    commands.retrain(run)
    assert site.states() == ["held"]
    deliver_again(site)
    assert commands.retrain(run, "--set", "validation.allow=[new_class]").code == 0
    assert site.states() == ["held", "pushed"]


@pytest.mark.parametrize("name", ["monday", "tuesday"])
def test_failed_deliver_it_again(site, commands, name):
    deliver(site)
    ended = commands.retrain(RUN_FAILED, "--set", "retrain.attempts=1")
    assert ended.code == 1
    assert site.states() == ["failed"]
    assert "run.log" in site.batches()[0].reason
    (site.inbox / "monday").rename(site.inbox / name)
    deliver_again(site) if name == "monday" else None
    assert commands.retrain(PUSHED).code == 0
    assert site.states() == ["failed", "pushed"]


def test_duplicate_and_replaced_need_nothing(site, commands):
    deliver(site)
    with pytest.raises(KilledError):
        commands.retrain(KilledError())
    shutil.rmtree(site.inbox / "monday")
    deliver(site, pictures=CORRECT)
    shutil.copytree(site.inbox / "monday", site.inbox / "tuesday")
    assert commands.retrain().code == 0
    assert site.states() == ["replaced", "good_enough", "duplicate"]
    assert "nothing to do" in commands.retrain().output


@pytest.mark.parametrize("state", ["rejected", "held", "failed", "waiting"])
def test_a_dry_run_says_what_the_pass_will_do(site, commands, state):
    if state == "waiting":
        (site.inbox / "monday.csv").write_text("path,domain,label\n../late/1.png,night,red\n")
    else:
        deliver(site, domain="day" if state == "held" else "night")
    commands.retrain(
        {"rejected": REJECTED, "failed": RUN_FAILED}.get(state), "--set", "retrain.attempts=1"
    )
    before = site.batches()
    assert before[0].state == state
    if state != "waiting":
        deliver_again(site)
    lines = commands.retrain(None, "--dry-run").output.splitlines()
    expected = {"held": "held", "waiting": "waiting"}.get(state, "retrain")
    assert lines[-1].split(": ")[1] == expected
    assert (f": taken again: batch 1 was {state}" in lines[0]) == (state != "waiting")
    assert site.batches() == before


@pytest.mark.parametrize("command", [("history",), ("report", "--history"), ("versions",)])
@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_workspace_that_does_not_exist_is_no_empty_one(site, commands, command, kind):
    shutil.rmtree(site.workspace)
    if kind == "file":
        site.workspace.write_text("")
    ended = commands.run(*command)
    assert (ended.code, ended.output) == (2, "")
    [line] = ended.errors.splitlines()
    assert str(site.workspace) in line
    assert site.workspace.is_file() == (kind == "file")
    assert not site.workspace.is_dir()
