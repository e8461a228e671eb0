"""A compiled pass over the inbox, run step by step as Kubeflow would; and `carryover retrain`."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from command import QUICK, carryover, newest_summary
from kubeflow_harness import Harness
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

    def run_there(self, file: Path) -> Harness:
        self._runs += 1
        harness = Harness(file, self.folder / f"run-{self._runs}", run_id=f"run-{self._runs}")
        harness.run()
        return harness

    def retrain_here(self, **settings: Any) -> int:
        folders = ("--workspace", str(self.here), "--inbox", str(self.inbox))
        return carryover("retrain", *folders, *pairs(**settings)).returncode


@pytest.fixture(name="site")
def _site(finished, data: Path, tmp_path: Path) -> Site:
    return Site(tmp_path, finished.copy, data)


def test_a_batch_is_trained_on_and_pushed_as_here_and_the_next_run_has_nothing_to_do(site):
    draw_batch(site.inbox / "monday", "mosaic", per_class=8)
    file = site.compile()
    site.run_there(file)
    [there] = read_batches(site.there)
    assert there.state == "pushed", there.reason
    assert newest_summary(site.there)["status"] == "pushed"
    assert not (site.there / ".lease").exists()

    again = site.run_there(file)
    assert list(again.finished) == ["Pass", "Finish"]
    assert len(read_batches(site.there)) == 1
