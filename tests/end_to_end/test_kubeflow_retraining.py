"""A compiled pass over the inbox, run step by step as Kubeflow would; and `carryover retrain`."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from command import QUICK, carryover, newest_summary
from kubeflow_harness import Harness, Start, StepFailedError, start_here
from test_retrain import draw_batch

from pipeline.retraining.ledger import read_batches

pytestmark = pytest.mark.slow

#: Settings of both: the harness has those of the compiled config, `carryover retrain` these.
SETTINGS = QUICK | {
    "seed": 17,
    "retrain.epochs": 2,
    "retrain.views": 1,
    "retrain.min_pictures": 10,
}


def pairs(**settings: Any) -> list[str]:
    named = {key.replace("__", "."): value for key, value in settings.items()}
    given = (f"{key}={value}" for key, value in (SETTINGS | named).items())
    return [part for pair in given for part in ("--set", pair)]


class Site:
    """Two copies of a workspace with version 1, and an inbox for both."""

    def __init__(self, folder: Path, workspace: Path, data: Path) -> None:
        self.folder, self.inbox, self._data = folder, folder / "inbox", data
        self.here, self.there = folder / "here", folder / "there"
        self.inbox.mkdir()
        for copy in (self.here, self.there):
            shutil.copytree(workspace, copy, symlinks=True)
        self._runs = 0

    def compile(self, **settings: Any) -> Path:
        file = self.folder / "retrain.yaml"
        kubeflow = {
            "retrain.inbox": self.inbox,
            "kubeflow.image": "registry.example/carryover:1",
            "kubeflow.pipeline_root": "minio://bucket/carryover",
            "kubeflow.volumes": f"{{carryover: {self.folder.parent}}}",
            "kubeflow.env": "{TF_CPP_MIN_LOG_LEVEL: '3'}",
        }
        folders = ["--data", str(self._data), "--workspace", str(self.there)]
        done = carryover(
            *("compile", "--retrain", "--output", str(file), *folders),
            *pairs(**settings, **kubeflow),
        )
        assert done.returncode == 0, done.stderr
        return file

    def harness(self, file: Path, start: Start | None = None) -> Harness:
        self._runs += 1
        run_id = f"run-{self._runs}"
        return Harness(file, self.folder / run_id, start, run_id)

    def run_there(self, file: Path) -> Harness:
        harness = self.harness(file)
        harness.run()
        return harness

    def retrain_here(self, **settings: Any) -> int:
        folders = ("--workspace", str(self.here), "--inbox", str(self.inbox))
        return carryover("retrain", *folders, *pairs(**settings)).returncode


@pytest.fixture(name="site")
def _site(finished, data: Path, tmp_path: Path) -> Site:
    return Site(tmp_path, finished.copy, data)


def outcomes(workspace: Path) -> list[tuple[str, str, str, int | None]]:
    """Name, state, reason and version of every batch."""
    batches = read_batches(workspace)
    return [(batch.name, batch.state, batch.reason, batch.version) for batch in batches]


def accuracies(workspace: Path) -> list[dict[str, float]]:
    """Accuracy by domain in the summary of every retraining, and in the assessment of batches."""
    found = []
    for path in sorted((workspace / "runs").glob("*/summary.json"))[1:]:
        domains = json.loads(path.read_text())["domains"]
        found.append({name: one["accuracy"] for name, one in domains.items()})
    for batch in read_batches(workspace):
        assessed = {name: one["accuracy"] for name, one in batch.numbers.items()}
        found.append({name: value for name, value in assessed.items() if value is not None})
    return found


def assert_same(site: Site) -> None:
    assert outcomes(site.there) == outcomes(site.here)
    for there, here in zip(accuracies(site.there), accuracies(site.here), strict=True):
        assert there == pytest.approx(here, abs=1e-4)


def test_a_batch_is_trained_on_and_pushed_as_here_and_the_next_run_has_nothing_to_do(site):
    draw_batch(site.inbox / "monday", "mosaic", per_class=8)
    file = site.compile()
    site.run_there(file)
    assert site.retrain_here() == 0
    assert [state for _, state, _, _ in outcomes(site.there)] == ["pushed"]
    assert_same(site)
    assert newest_summary(site.there)["status"] == "pushed"
    assert not (site.there / ".lease").exists()

    again = site.run_there(file)
    assert list(again.finished) == ["Pass", "Finish"]
    assert len(read_batches(site.there)) == 1


def test_a_run_that_fails_leaves_its_reason_and_the_batch_is_tried_again(site):
    draw_batch(site.inbox / "monday", "mosaic", per_class=4)
    file = site.compile()
    harness = site.harness(file, start=without_listings(site.there))
    with pytest.raises(StepFailedError):
        harness.run()
    assert (
        {"Pass", "Finish"}
        <= set(harness.finished)
        <= {"Pass", "Baseline", "ImportSchemaGen", "Finish"}
    )
    summary = newest_summary(site.there)
    assert summary["status"] == "failed"
    [reason] = summary["reasons"]
    assert reason.startswith("ImageExampleGen failed: ")
    [batch] = read_batches(site.there)
    log = site.there / "logs" / f"{summary['run_id']}.log"
    assert (batch.state, batch.attempts) == ("taken", 1)
    assert batch.reason == f"{reason} (traceback: {log})"
    assert "Traceback" in log.read_text()
    assert not (site.there / ".lease").exists()


@pytest.mark.soak
def test_five_batches_end_as_they_do_here(site):
    draw_batch(site.inbox / "1-few", "sand", per_class=3, seed=5)
    broken = draw_batch(site.inbox / "2-broken", "mosaic", per_class=4, seed=6)
    for path in broken.glob("*/*/*.png"):
        path.write_bytes(b"no picture")
    monday = draw_batch(site.inbox / "3-monday", "mosaic", per_class=8)
    shutil.copytree(monday, site.inbox / "4-again")
    unlabelled = draw_batch(site.inbox / "5-unlabelled", "mosaic", per_class=4, seed=7)
    (unlabelled / "mosaic" / "_unlabelled").mkdir()
    for path in unlabelled.glob("*/*/*.png"):
        path.rename(unlabelled / "mosaic" / "_unlabelled" / path.name)

    file = site.compile()
    site.run_there(file)
    states = [state for _, state, _, _ in outcomes(site.there)]
    assert states == ["too_little_data", "held", "pushed", "duplicate", "taken"]
    site.run_there(file)
    site.retrain_here()
    states = [state for _, state, _, _ in outcomes(site.there)]
    assert states == ["too_little_data", "held", "pushed", "duplicate", "too_little_data"]
    assert_same(site)


@pytest.mark.soak
def test_labels_decide_on_a_held_candidate_as_they_do_here(site):
    settings = {"retrain__unlabelled": "always", "gate__max_drop": 1}
    fog = draw_batch(site.inbox / "1-fog", "fog")
    (fog / "fog" / "_unlabelled").mkdir()
    for path in fog.glob("*/*/*.png"):
        path.rename(fog / "fog" / "_unlabelled" / path.name)
    assert site.retrain_here(**settings) == 4
    shutil.rmtree(site.there)
    shutil.copytree(site.here, site.there, symlinks=True)

    pictures = sorted(site.there.glob("to_label/*/fog/_to_label/*.png"))
    assert len(pictures) >= 10
    for path in pictures:
        folder = site.inbox / "2-labels" / "fog" / path.stem.partition("-")[0]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / path.name)
    (site.inbox / "2-labels" / "_READY").touch()
    decided = site.run_there(site.compile(**settings))
    assert {"Candidate", "Pusher", "DecisionSummary", "Finish"} < set(decided.finished)
    assert "Trainer" not in decided.finished
    site.retrain_here(**settings)
    assert_same(site)
    [candidate, labels] = [state for _, state, _, _ in outcomes(site.there)]
    assert candidate in ("pushed", "rejected")  # the gate decides on few labels
    assert labels == "labels_used"


def without_listings(workspace: Path) -> Start:
    """Start the first component after the listing of the pictures has been lost."""

    def start(
        command: list[str], work: Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        if environment["CARRYOVER_STEP"] == "ImageExampleGen":
            for path in workspace.glob("inputs/*.jsonl"):
                path.unlink()
        return start_here(command, work, environment)

    return start
