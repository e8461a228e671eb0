"""The ledger after a training on Kubeflow is the same as after one that the pass has run itself."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from retraining_site import CORRECT, PUSHED, REJECTED, WRONG, Pipeline, RetrainingSite
from tiny_workspace import write_colours

from pipeline.kubeflow.begun_run import new_run
from pipeline.kubeflow.ended_run import read_run, write_failure, write_result
from pipeline.kubeflow.step_environment import StepEnvironment
from pipeline.kubeflow.step_failures import noted_failures, read_failure
from pipeline.kubeflow.stored_run import StoredRun
from pipeline.retraining.batch import Batch
from pipeline.retraining.retraining_pass import RetrainingPass
from pipeline.running.run import Run
from pipeline.running.run_failure import run_error
from pipeline.summary.summary_schema import Summary
from trainer_module.contract.errors import DataError, InputError

pytestmark = [pytest.mark.component, pytest.mark.usefixtures("loaded_models")]


class Cluster:
    """Begins a run, as the pass on Kubeflow does, and ends it later."""

    def __init__(self) -> None:
        self.run: Run | None = None

    def __call__(self, config, workspace, snapshot) -> None:
        self.run = new_run(config.for_retraining(), config, workspace, snapshot, "run-1")

    def end(self, retraining_pass: RetrainingPass, result: Summary | Exception) -> None:
        assert self.run
        stored = StoredRun(self.run.snapshot, 1, retraining_pass.begun)
        stored.write(self.run.folder)
        stored = StoredRun.read(self.run.folder)
        run = read_run(self.run.config, self.run.run_id, stored)
        if isinstance(result, Summary):
            Pipeline(result)(run.config, run.workspace, run.snapshot)  # it pushes the version
            write_result(run, stored, result)
            write_result(run, stored, result)  # as a second attempt of the step does
            return
        environment = StepEnvironment(run.workspace.root, "Trainer", "run-1")
        with pytest.raises(type(result)), noted_failures(environment):
            raise result
        write_failure(run, stored, read_failure(run.folder))
        assert Summary.read(run.folder).status == "failed"


def site_in(folder: Path, served: Path) -> RetrainingSite:
    folder.mkdir()
    shutil.copytree(served, folder / "workspace")
    return RetrainingSite(folder)


def told(batch: Batch, site: RetrainingSite) -> Any:
    """What the ledger says of a batch, without times and the folder of its site."""
    reason = batch.reason.replace(str(site.workspace), "")
    return replace(batch, reason=reason, taken_at="", finished_at="", source="", stamp="")


@pytest.mark.parametrize(
    ("result", "attempts"),
    [
        (PUSHED, 3),
        (REJECTED, 3),
        (DataError("too dark"), 3),
        (InputError("config key 'seed'"), 3),
        (RuntimeError("shapes differ"), 3),
        (RuntimeError("shapes differ"), 1),
        (OSError(28, "No space left on device"), 1),
    ],
    ids=["pushed", "rejected", "held", "misconfigured", "tried again", "given up", "full disk"],
)
def test_a_batch_gets_the_entry_that_it_gets_here(tmp_path, served, result, attempts):
    here, there = site_in(tmp_path / "here", served), site_in(tmp_path / "there", served)
    for site in (here, there):
        write_colours(site.inbox / "monday", "night", WRONG)
    cluster = Cluster()
    retraining_pass = there.a_pass(cluster, attempts=attempts)
    assert retraining_pass.run() == 0
    assert there.states() == ["taken"]
    cluster.end(retraining_pass, result)

    given = result
    if isinstance(result, Exception):
        log = here.workspace / "logs" / f"{cluster.run.run_id}.log"
        given = run_error("Trainer", result, log)
    here.run(Pipeline(given), attempts=attempts)
    [ours], [theirs] = here.batches(), there.batches()
    assert told(theirs, there) == told(ours, here)


def test_a_pass_ends_at_the_first_training_that_runs_elsewhere(tmp_path, served):
    site = site_in(tmp_path / "site", served)
    write_colours(site.inbox / "1", "day", CORRECT[:2])
    write_colours(site.inbox / "2", "night", WRONG)
    write_colours(site.inbox / "3", "dusk", WRONG)
    cluster = Cluster()
    retraining_pass = site.a_pass(cluster)
    assert retraining_pass.run() == 0
    assert retraining_pass.begun.number == 2
    assert site.states()[1:] == ["taken", "taken"]
    assert Path(cluster.run.folder).is_dir()
