"""Extra tasks that Kubeflow needs besides the components: the first, the last, and the baseline.

`carryover run` computes the parameters of the components before it launches them. A pipeline spec
is compiled once and run over other pictures later, so on Kubeflow the first task of every run
computes these parameters and passes them on. In a retraining the first task is the pass over the
inbox. What follows is its choice: the tasks of a training, those that decide on the candidate of an
earlier one by labels that have arrived, or nothing. `Summary` ends a run that has succeeded, and
`Finish` one that has failed.
"""

from typing import Any

from pipeline import component_ids
from pipeline.kubeflow.step_environment import StepEnvironment
from pipeline.kubeflow.task_groups import ALWAYS, PipelineSpec, group_tasks

PREPARATION, PASS, SUMMARY, FINISH = "Preparation", "Pass", "Summary", "Finish"

#: The summary where the candidate is that of an earlier run. Its inputs are others.
DECISION_SUMMARY = "DecisionSummary"

#: Importers of TFX, in whose place a container copies a model from the volume: task -> output of
#: the first task with the folder of the model.
IMPORTERS = {component_ids.BASELINE: "baseline", component_ids.CANDIDATE: "candidate"}

#: Groups of tasks: everything but `Finish`, and what a pass over the inbox may begin.
RUN, TRAINING, DECISION = "Run", "Training", "Decision"

#: Output of the pass: the group that follows, or `NO_GROUP`.
NEXT = "next"
NO_GROUP = "none"

#: Value of the parameter `baseline_uri`: the serving version at the start of the run.
NEWEST = "newest"

#: Artifacts that a push of the candidate needs: (task, output).
CANDIDATE_ARTIFACTS = (
    (component_ids.IMAGE_EXAMPLE_GEN, "catalog"),
    (component_ids.STATISTICS_GEN, "statistics"),
    (component_ids.TRAINER, "model"),
    (component_ids.CANDIDATE, "result"),
    (component_ids.EVALUATOR, "evaluation"),
)

#: Artifacts that the summary is read from, and those of the candidate.
SUMMARY_INPUTS = (
    *CANDIDATE_ARTIFACTS,
    (component_ids.IMAGE_EXAMPLE_GEN, "rejects"),
    (component_ids.DATA_GATE, "findings"),
    (component_ids.SERVING_CHECK, "blessing"),
    (component_ids.PUSHER, "pushed_model"),
)

_TEXT = {"parameterType": "STRING"}
_SEPARATOR = "__"


def qualified_name(task: str, name: str) -> str:
    """Return the name by which one task refers to a parameter or an artifact of another."""
    return f"{task}{_SEPARATOR}{name}"


def split_qualified_name(name: str) -> tuple[str, str]:
    """Return the task and the name in it: the inverse of `qualified_name`."""
    task, _, rest = name.partition(_SEPARATOR)
    return task, rest


def executor_label(task: str) -> str:
    """Return the key of a task's executor in the deployment spec, as TFX forms it."""
    return f"{task}_executor"


def add_extra_tasks(
    spec: PipelineSpec,
    config: str,
    workspace: str,
    image: str,
    decision: PipelineSpec | None = None,
) -> None:
    """Add the first and the last tasks, and let models be copied from the volume.

    Args:
        spec: Pipeline spec of TFX's runner, with the inputs of the pipeline in it. Changed in
            place.
        config: Config of the run as JSON.
        workspace: Folder of the workspace.
        image: Container image of the tasks.
        decision: Pipeline spec of TFX's runner that takes the candidate of an earlier run in place
            of a training. With it, the first task is the pass over the inbox.
    """
    first = PASS if decision else PREPARATION
    outputs = _connect(spec, first, SUMMARY, image)
    if decision:
        outputs |= _connect(decision, first, DECISION_SUMMARY, image) | {NEXT: _TEXT}
        _make_optional(spec, TRAINING)
        _make_optional(decision, DECISION)
        _merge(spec, decision)
    _add_first(spec, first, outputs, config, image)
    group_tasks(spec, RUN, list(spec["root"]["dag"]["tasks"]))
    _add_finish(spec, config, image)
    for task, component in spec["components"].items():
        if "executorLabel" in component:
            container = spec["deploymentSpec"]["executors"][executor_label(task)]["container"]
            container["env"] = StepEnvironment.variables(workspace, task)


def _connect(spec: PipelineSpec, first: str, summary: str, image: str) -> dict[str, Any]:
    """Let all tasks depend on the first one, and add the summary.

    Returns:
        Output parameters that the first task needs for that: name -> definition.
    """
    outputs = dict.fromkeys(("config", "run_id"), _TEXT)
    for task, output in IMPORTERS.items():
        if task in spec["components"]:
            _replace_importer(spec, task, _output(first, output), image)
            outputs[output] = _TEXT
    outputs |= _bind_parameters(spec, first)
    _add_summary(spec, first, summary, image)
    return outputs


def _replace_importer(spec: PipelineSpec, task: str, source: dict[str, Any], image: str) -> None:
    """Put a container in place of an Importer, which cannot read from a volume.

    Args:
        spec: Pipeline spec.
        task: Name of the Importer.
        source: Reference to the folder of the model.
        image: Container image.
    """
    spec["components"][task]["inputDefinitions"] = {"parameters": {"folder": _TEXT}}
    body = spec["root"]["dag"]["tasks"][task]
    body["inputs"] = {"parameters": {"folder": source}}
    first = source["taskOutputParameter"]["producerTask"]
    body["dependentTasks"] = sorted({*body.get("dependentTasks", []), first})
    _set_container(spec, task, "fetch_model", image)


def _bind_parameters(spec: PipelineSpec, first: str) -> dict[str, Any]:
    """Let every component take its parameters from the first task.

    Returns:
        Output parameters that the first task needs for that: name -> definition.
    """
    outputs = {}
    for task, body in spec["root"]["dag"]["tasks"].items():
        if task in IMPORTERS:
            continue
        parameters = body.get("inputs", {}).get("parameters", {})
        for name in parameters:
            definition = spec["components"][task]["inputDefinitions"]["parameters"][name]
            output = qualified_name(task, name)
            outputs[output] = {"parameterType": definition["parameterType"]}
            parameters[name] = _output(first, output)
        if parameters:
            body["dependentTasks"] = sorted({*body.get("dependentTasks", []), first})
    return outputs


def _add_first(
    spec: PipelineSpec, first: str, outputs: dict[str, Any], config: str, image: str
) -> None:
    definitions, values = _run_inputs(spec, config)
    spec["components"][first] = {
        "inputDefinitions": {"parameters": definitions},
        "outputDefinitions": {"parameters": outputs},
    }
    spec["root"]["dag"]["tasks"][first] = {"inputs": {"parameters": values}}
    _set_program(spec, first, "run_pass" if first == PASS else "prepare_run", image)


def _add_summary(spec: PipelineSpec, first: str, summary: str, image: str) -> None:
    sources = [source for source in SUMMARY_INPUTS if source[0] in spec["components"]]
    artifacts = {qualified_name(*source): source for source in sources}
    outputs = {task: spec["components"][task]["outputDefinitions"] for task, _ in sources}
    texts = ("config", "run_id")
    spec["components"][summary] = {
        "inputDefinitions": {
            "parameters": dict.fromkeys(texts, _TEXT),
            "artifacts": {
                name: {"artifactType": outputs[task]["artifacts"][output]["artifactType"]}
                for name, (task, output) in artifacts.items()
            },
        }
    }
    spec["root"]["dag"]["tasks"][summary] = {
        "inputs": {
            "parameters": {name: _output(first, name) for name in texts},
            "artifacts": {
                name: {"taskOutputArtifact": {"producerTask": task, "outputArtifactKey": output}}
                for name, (task, output) in artifacts.items()
            },
        },
        "dependentTasks": sorted({first, *outputs}),
    }
    _set_program(spec, summary, "summarise_run", image)


def _make_optional(spec: PipelineSpec, group: str) -> None:
    """Let all tasks run as a group, and only if the pass chooses it."""
    group_tasks(spec, group, list(spec["root"]["dag"]["tasks"]))
    task = spec["root"]["dag"]["tasks"][group]
    task["inputs"]["parameters"][NEXT] = _output(PASS, NEXT)
    task["triggerPolicy"] = {"condition": f"inputs.parameter_values['{NEXT}'] == '{group}'"}
    spec["components"][group]["inputDefinitions"]["parameters"][NEXT] = _TEXT


def _merge(spec: PipelineSpec, other: PipelineSpec) -> None:
    """Add the tasks of another spec. Components that both have are the same."""
    spec["root"]["dag"]["tasks"] |= other["root"]["dag"]["tasks"]
    spec["components"] |= other["components"]
    spec["deploymentSpec"]["executors"] |= other["deploymentSpec"]["executors"]


def _add_finish(spec: PipelineSpec, config: str, image: str) -> None:
    definitions, values = _run_inputs(spec, config)
    spec["components"][FINISH] = {"inputDefinitions": {"parameters": definitions}}
    spec["root"]["dag"]["tasks"][FINISH] = {
        "inputs": {"parameters": values},
        "dependentTasks": [RUN],
        "triggerPolicy": ALWAYS,
    }
    _set_program(spec, FINISH, "finish_run", image)


def _run_inputs(spec: PipelineSpec, config: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the definitions and the sources of the config, and of what changes it for one run."""
    inputs = spec["root"]["inputDefinitions"]["parameters"]
    definitions = {name: {"parameterType": one["parameterType"]} for name, one in inputs.items()}
    values: dict[str, Any] = {name: {"componentInputParameter": name} for name in inputs}
    return definitions | {"config": _TEXT}, values | {"config": _constant(config)}


def _output(task: str, name: str) -> dict[str, Any]:
    """Return a reference to an output parameter of a task."""
    return {"taskOutputParameter": {"producerTask": task, "outputParameterKey": name}}


def _constant(value: str) -> dict[str, Any]:
    return {"runtimeValue": {"constant": value}}


def _set_program(spec: PipelineSpec, task: str, program: str, image: str) -> None:
    """Connect a task with its component and with the program that it runs."""
    spec["root"]["dag"]["tasks"][task] |= {
        "componentRef": {"name": task},
        "taskInfo": {"name": task},
    }
    spec["components"][task]["executorLabel"] = executor_label(task)
    _set_container(spec, task, program, image)


def _set_container(spec: PipelineSpec, task: str, program: str, image: str) -> None:
    """Let a task run a module of `pipeline.kubeflow.programs` in a container."""
    command = ["python", "-m", f"pipeline.kubeflow.programs.{program}"]
    container = {"image": image, "command": command, "args": ["{{$}}"]}
    spec["deploymentSpec"]["executors"][executor_label(task)] = {"container": container}
