"""Groups of tasks in a pipeline spec: sub-DAGs that Kubeflow skips, or ends, as a whole."""

from collections.abc import Collection
from typing import Any, cast

from pipeline.config.kubeflow_options import Step

#: Pipeline spec of Kubeflow Pipelines, version 2.1, in the form of JSON.
PipelineSpec = dict[str, Any]

#: Trigger of a task that runs when those that it depends on have ended, however they ended.
ALWAYS = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}


def group_tasks(spec: PipelineSpec, group: str, members: Collection[str]) -> None:
    """Move tasks of the root DAG into a DAG of their own, in place.

    No task outside may need an output of a task inside. Parameters that the tasks take from outside
    become inputs of the group.

    Args:
        spec: Pipeline spec.
        group: Name of the task and the component that are added.
        members: Names of the tasks.
    """
    tasks = spec["root"]["dag"]["tasks"]
    inner = {name: tasks.pop(name) for name in sorted(members)}
    inputs: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    needed: set[str] = set()
    for task, body in inner.items():
        parameters = body.get("inputs", {}).get("parameters", {})
        types = spec["components"][task].get("inputDefinitions", {}).get("parameters", {})
        for name, source in parameters.items():
            if outer := _outer_name(source, inner):
                inputs[outer], definitions[outer] = source, types[name]
                parameters[name] = {"componentInputParameter": outer}
        dependencies = set(body.pop("dependentTasks", []))
        needed |= dependencies - inner.keys()
        if dependencies & inner.keys():
            body["dependentTasks"] = sorted(dependencies & inner.keys())
    spec["components"][group] = {
        "inputDefinitions": {"parameters": definitions},
        "dag": {"tasks": inner},
    }
    tasks[group] = {
        "componentRef": {"name": group},
        "taskInfo": {"name": group},
        "inputs": {"parameters": inputs},
        "dependentTasks": sorted(needed),
    }


def container_tasks(spec: PipelineSpec) -> dict[Step, dict[str, Any]]:
    """Return the tasks that run a container, also those in groups: name -> task."""
    dags = [spec["root"], *spec["components"].values()]
    return {
        cast("Step", name): task
        for one in dags
        for name, task in one.get("dag", {}).get("tasks", {}).items()
        if "executorLabel" in spec["components"][name]
    }


def _outer_name(source: dict[str, Any], inner: Collection[str]) -> str | None:
    """Return the name by which a group takes a parameter; None for one from inside."""
    if "componentInputParameter" in source:
        return str(source["componentInputParameter"])
    output = source.get("taskOutputParameter")
    if output and output["producerTask"] not in inner:
        return str(output["outputParameterKey"])
    return None
