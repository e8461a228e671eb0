"""Plays Kubeflow's driver and launcher for a compiled pipeline, step by step.

It reads nothing but the YAML file. Every task runs by its own command line in a process of its own,
in an empty folder, and has only those artifacts that its inputs name: they are copied from the
object store (a folder here) before it starts, and its outputs to the store when it has ended.
Groups of tasks are DAGs of their own, which see nothing but their inputs; a group whose condition
is false is skipped, and the exit task runs when its group has ended, however it ended.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import warm_process
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from repository import ROOT

#: As the open-source backend maps schemes to folders; the launcher copies to and from there.
MOUNTS = {"gs://": "gcs", "s3://": "s3", "minio://": "minio"}

#: Runs a command line in a folder, with more in its environment.
Start = Callable[[list[str], Path, dict[str, str]], subprocess.CompletedProcess[str]]

NUMBERS = {"NUMBER_INTEGER": int, "NUMBER_DOUBLE": float}

#: Condition of a group of tasks, as kfp compiles a comparison of a parameter with a text.
CONDITION = re.compile(r"inputs\.parameter_values\['(\w+)'\] == '(\w+)'")


class StepFailedError(AssertionError):
    """The container of a task ended with an error."""


@dataclass
class Finished:
    """What a task left: artifacts as RuntimeArtifact in the form of JSON, and parameters."""

    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)


class Harness:
    """One run of a compiled pipeline."""

    def __init__(
        self,
        file: Path,
        folder: Path,
        start: Start | None = None,
        run_id: str = "run",
        **parameters: Any,
    ) -> None:
        """Prepare a run.

        Args:
            file: Compiled pipeline.
            folder: Folder for the object store and the containers.
            start: Function that starts a container, in place of a process on this machine.
            run_id: Id of the run, which Kubeflow writes into the labels of its pods.
            parameters: Parameters of the run, in place of the defaults.
        """
        self._start = start or start_here
        self._spec, platform = yaml.safe_load_all(file.read_text())
        self._pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        self._labels = {"pipeline/runid": run_id}
        self._store = folder / "store"
        self._containers = folder / "containers"
        self._last: str | None = None
        inputs = self._spec["root"]["inputDefinitions"]["parameters"]
        assert set(parameters) <= set(inputs)
        defaults = {name: one["defaultValue"] for name, one in inputs.items()}
        self._parameters = defaults | parameters
        self.finished: dict[str, Finished] = {}

    def run(self, last: str | None = None) -> None:
        """Run the tasks, each after those that it needs.

        Args:
            last: the task to end with, when not all are meant.

        Raises:
            StepFailedError: a task failed. The exit task has run.
        """
        self._last = last
        self._run_dag(self._spec["root"]["dag"]["tasks"], self._parameters)

    def _run_dag(self, tasks: dict[str, Any], parameters: dict[str, Any]) -> None:
        needed = {name: set(task.get("dependentTasks", [])) for name, task in tasks.items()}
        wanted = {self._last} if self._last in tasks else set(tasks)
        while more := set().union(*(needed[name] for name in wanted)) - wanted:
            wanted |= more
        failure = None
        for name in TopologicalSorter(needed).static_order():
            trigger = tasks[name].get("triggerPolicy", {})
            is_exit = trigger.get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED"
            is_over = failure and not is_exit
            if name not in wanted or is_over or self._last in self.finished:
                continue
            try:
                self._run_task(name, tasks[name], parameters)
            except StepFailedError as error:
                failure = error
        if failure:
            raise failure

    def artifact(self, task: str, output: str) -> Path:
        """Where the store keeps what a task made."""
        return in_folder(self._store, self.finished[task].artifacts[output]["uri"])

    def _run_task(self, name: str, task: dict[str, Any], outer: dict[str, Any]) -> None:
        component = self._spec["components"][task["componentRef"]["name"]]
        inputs = self._inputs(task, component, outer)
        if "dag" in component:
            if is_met(task, inputs["parameterValues"]):
                self._run_dag(component["dag"]["tasks"], inputs["parameterValues"])
            return
        place = self._containers / name
        executor_input = {"inputs": inputs, "outputs": self._outputs(name, component, place)}
        for artifact in artifacts_of(inputs).values():
            shutil.copytree(
                in_folder(self._store, artifact["uri"]), in_folder(place, artifact["uri"])
            )
        container, environment = self._container(component["executorLabel"])
        run_container(container, executor_input, place, self._start, environment)
        self.finished[name] = self._collect(executor_input["outputs"], component, place)

    def _container(self, executor: str) -> tuple[dict[str, Any], dict[str, str]]:
        """A container, and its environment."""
        container = self._spec["deploymentSpec"]["executors"][executor]["container"]
        environment = {one["name"]: one["value"] for one in container.get("env", [])}
        for one in self._pods[executor]["fieldPathAsEnv"]:
            label = one["fieldPath"].removeprefix("metadata.labels['").removesuffix("']")
            environment[one["name"]] = self._labels[label]
        return container, environment

    def _inputs(
        self, task: dict[str, Any], component: dict[str, Any], outer: dict[str, Any]
    ) -> dict[str, Any]:
        given = task.get("inputs", {})
        definitions = component.get("inputDefinitions", {}).get("parameters", {})
        values = {}
        for name, source in given.get("parameters", {}).items():
            values[name] = self._value(source, outer)
            number = definitions[name]["parameterType"] in NUMBERS
            assert isinstance(values[name], (int, float) if number else str), name
        artifacts = {}
        for name, source in given.get("artifacts", {}).items():
            output = source["taskOutputArtifact"]
            made = self.finished[output["producerTask"]].artifacts[output["outputArtifactKey"]]
            artifacts[name] = {"artifacts": [made]}
        return {"parameterValues": values, "artifacts": artifacts}

    def _value(self, source: dict[str, Any], outer: dict[str, Any]) -> Any:
        if "componentInputParameter" in source:
            return outer[source["componentInputParameter"]]
        if "taskOutputParameter" in source:
            output = source["taskOutputParameter"]
            made = self.finished[output["producerTask"]]
            return made.parameters[output["outputParameterKey"]]
        return source["runtimeValue"]["constant"]

    def _outputs(self, name: str, component: dict[str, Any], place: Path) -> dict[str, Any]:
        definitions = component.get("outputDefinitions", {})
        root = f"{self._spec['defaultPipelineRoot']}/{self._spec['pipelineInfo']['name']}/run"
        return {
            "artifacts": {
                key: {"artifacts": [{"uri": f"{root}/{name}/{key}", "type": one["artifactType"]}]}
                for key, one in definitions.get("artifacts", {}).items()
            },
            "parameters": {
                key: {"outputFile": str(place / "outputs" / key)}
                for key in definitions.get("parameters", {})
            },
            "outputFile": str(place / "metadata" / "output_metadata.json"),
        }

    def _collect(self, outputs: dict[str, Any], component: dict[str, Any], place: Path) -> Finished:
        """Upload the artifacts, with what the task says of them, and read the parameters."""
        said = {}
        answer = Path(outputs["outputFile"])
        if answer.exists():
            output = pipeline_spec_pb2.ExecutorOutput()
            json_format.Parse(answer.read_text(), output)
            said = artifacts_of(json_format.MessageToDict(output))
        result = Finished()
        for key, artifact in artifacts_of(outputs).items():
            of_this = said.get(key, {})
            assert of_this.get("uri", artifact["uri"]) == artifact["uri"]
            metadata = {"metadata": of_this["metadata"]} if "metadata" in of_this else {}
            result.artifacts[key] = artifact | metadata
            shutil.copytree(
                in_folder(place, artifact["uri"]), in_folder(self._store, artifact["uri"])
            )
        definitions = component.get("outputDefinitions", {}).get("parameters", {})
        for key, one in outputs["parameters"].items():
            text = Path(one["outputFile"]).read_text()
            kind = definitions[key]["parameterType"]
            result.parameters[key] = NUMBERS[kind](text) if kind in NUMBERS else text
        return result


def is_met(task: dict[str, Any], parameters: dict[str, Any]) -> bool:
    """Whether a group of tasks runs."""
    condition = task.get("triggerPolicy", {}).get("condition")
    if condition is None:
        return True
    parts = CONDITION.fullmatch(condition)
    assert parts, condition
    return parameters[parts[1]] == parts[2]


def artifacts_of(side: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Name -> the one artifact that is listed under it."""
    return {name: listed["artifacts"][0] for name, listed in side.get("artifacts", {}).items()}


def in_folder(folder: Path, uri: str) -> Path:
    """Where the launcher keeps what has a URI, below a folder."""
    scheme = next(scheme for scheme in MOUNTS if uri.startswith(scheme))
    return folder / MOUNTS[scheme] / uri.removeprefix(scheme)


def run_container(
    container: dict[str, Any],
    executor_input: dict[str, Any],
    place: Path,
    start: Start,
    environment: dict[str, str],
) -> None:
    """Run a container's command line in a process; its root is a folder."""
    message = pipeline_spec_pb2.ExecutorInput()
    json_format.ParseDict(executor_input, message)  # what the launcher would send is valid
    text = json_format.MessageToJson(message, indent=None)
    command = [*container["command"], *container["args"]]
    command = [part.replace("{{$}}", text) for part in command]
    work = place / "work"
    work.mkdir(parents=True)
    done = start(command, work, environment | {"ARTIFACT_LOCAL_PATH": str(place)})
    if done.returncode:
        said = f"{done.stdout}\n{done.stderr}"
        raise StepFailedError(f"{json.dumps(command)[:500]}\n{said}")


def start_here(
    command: list[str], work: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run it on this machine, whose environment stands for the image."""
    python, module_option, module, *arguments = command
    assert (python, module_option) == ("python", "-m")
    everything = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    scratch = work.parent / "output"
    scratch.mkdir()
    return warm_process.run(module, arguments, scratch, folder=work, environment=everything)
