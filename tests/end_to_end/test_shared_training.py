"""A run whose training several processes share, started as the training operator would."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import warm_process
import yaml
from command import QUICK, carryover, newest_summary
from compared import close, comparable
from ports import free_ports

pytestmark = pytest.mark.slow

#: Seconds without a new line of the chief after which the job counts as hung. The job as a whole
#: has no limit: on a busy machine it may take many minutes.
PATIENCE = 300


class Operator:
    """Starts the pods of a manifest as processes on this machine, and again those that are killed.

    It knows nothing of our code but the manifest.
    """

    def __init__(self, manifest: Path, folder: Path) -> None:
        config_map, job = yaml.safe_load_all(manifest.read_text())
        for name, text in config_map["data"].items():
            (folder / name).write_text(text)
        self._folder = folder
        self._roles = job["spec"]["tfReplicaSpecs"]
        self._cluster = {
            role.lower(): [f"127.0.0.1:{port}" for port in free_ports(one["replicas"])]
            for role, one in self._roles.items()
        }
        self._pods: dict[str, warm_process.WarmProcess] = {}

    def run(self, meanwhile: Callable[[], None] = lambda: None) -> int:
        """Run the job to its end; returns the exit code of the pod that leads."""
        length, deadline = 0, time.monotonic() + PATIENCE
        try:
            for role, addresses in self._cluster.items():
                for index in range(len(addresses)):
                    self._start(role, index)
            while (code := self._pods["chief-0"].poll()) is None:
                if len(self.log("chief-0")) > length:
                    length, deadline = len(self.log("chief-0")), time.monotonic() + PATIENCE
                assert time.monotonic() < deadline, self.log("chief-0")
                for name, pod in list(self._pods.items()):
                    if pod.poll() is not None and pod.returncode < 0:
                        role, _, index = name.rpartition("-")
                        self._start(role, int(index))
                meanwhile()
                time.sleep(0.2)
            return code
        finally:
            for name in self._pods:
                self.kill(name)

    def kill(self, name: str) -> None:
        """Kill all processes of a pod."""
        self._pods[name].kill_group()
        self._pods[name].wait()

    def log(self, name: str) -> str:
        """What a pod has said, in all its lives."""
        return (self._folder / f"{name}.log").read_text()

    def _start(self, role: str, index: int) -> None:
        [container] = self._roles[role.capitalize()]["template"]["spec"]["containers"]
        mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
        config = mounts.get("carryover-config", "no config here")
        command = [part.replace(config, str(self._folder)) for part in container["command"]]
        assert command[0] == "carryover"
        task = {"type": role, "index": index}
        variables = {"TF_CONFIG": json.dumps({"cluster": self._cluster, "task": task})}
        log = self._folder / f"{role}-{index}.log"
        self._pods[f"{role}-{index}"] = warm_process.start(
            "pipeline.cli",
            command[1:],
            stdout=log,
            stderr=log,
            folder=self._folder,
            environment=os.environ | variables,
        )


@pytest.fixture
def operator(data, tmp_path) -> Operator:
    """For a job of two pods, over the pictures of the undisturbed run."""
    mount = os.path.commonpath([data, tmp_path])
    pairs = QUICK | {
        "kubeflow.image": "registry.example/carryover:1",
        "kubeflow.volumes": f"{{carryover: {mount}}}",
    }
    given = [part for key, value in pairs.items() for part in ("--set", f"{key}={value}")]
    places = ("--data", str(data), "--workspace", str(tmp_path / "workspace"))
    manifest = tmp_path / "job.yaml"
    done = carryover(
        "compile", "--engine", "training-job", "--output", str(manifest), *places, *given
    )
    assert done.returncode == 0, done.stderr
    return Operator(manifest, tmp_path)


def test_a_pod_that_is_lost_in_training_costs_an_attempt_and_no_result(
    operator, finished, tmp_path
):
    killed = []

    def lose_one() -> None:
        if not killed and "frozen: activations" in operator.log("worker-0"):
            killed.append(operator.kill("worker-0"))

    assert operator.run(lose_one) == 0, operator.log("chief-0")
    assert killed
    assert "a worker was lost" in operator.log("chief-0")
    assert "training on 2 workers" in operator.log("worker-0")
    assert "the training has ended" in operator.log("worker-0")
    summary = newest_summary(tmp_path / "workspace")
    assert summary["pushed_version"] == 1
    assert comparable(summary) == close(comparable(finished.summary))
