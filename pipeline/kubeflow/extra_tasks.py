"""Extra tasks that Kubeflow needs besides the components: preparation, baseline and summary.

`carryover run` computes the parameters of the components before it launches them. A pipeline spec
is compiled once and run over other pictures later, so on Kubeflow the first task of every run
computes these parameters and passes them on.
"""

from typing import Any

from pipeline import component_ids

#: Pipeline spec of Kubeflow Pipelines, version 2.1, in the form of JSON.
PipelineSpec = dict[str, Any]

PREPARATION, BASELINE, SUMMARY = "Preparation", component_ids.BASELINE, "Summary"

#: Value of the parameter `baseline_uri`: the serving version at the start of the run.
NEWEST = "newest"

#: Artifacts that the summary is read from: (task, output).
SUMMARY_INPUTS = (
    (component_ids.IMAGE_EXAMPLE_GEN, "rejects"),
    (component_ids.IMAGE_EXAMPLE_GEN, "catalog"),
    (component_ids.DATA_GATE, "findings"),
    (component_ids.TRAINER, "model"),
    (component_ids.EVALUATOR, "evaluation"),
    (component_ids.SERVING_CHECK, "blessing"),
    (component_ids.PUSHER, "pushed_model"),
)

_TEXT = {"parameterType": "STRING"}
_NUMBER = {"parameterType": "NUMBER_INTEGER"}
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


def add_extra_tasks(spec: PipelineSpec, config: str, image: str) -> None:
    """Add the preparation and the summary, and let the baseline be copied from the volume.

    Args:
        spec: Pipeline spec of TFX's runner, with the inputs of the pipeline in it. Changed in
            place.
        config: Config of the run as JSON.
        image: Container image of the tasks.
    """
    if BASELINE in spec["components"]:
        _replace_importer(spec, image)
    preparation_outputs = _bind_parameters(spec)
    _add_preparation(spec, preparation_outputs, config, image)
    _add_summary(spec, image)


def _replace_importer(spec: PipelineSpec, image: str) -> None:
    """Put a container in place of the Importer, which cannot read from a volume."""
    spec["components"][BASELINE]["inputDefinitions"] = {"parameters": {"folder": _TEXT}}
    parameters = {"folder": _preparation_output("baseline")}
    spec["root"]["dag"]["tasks"][BASELINE]["inputs"] = {"parameters": parameters}
    spec["root"]["dag"]["tasks"][BASELINE]["dependentTasks"] = [PREPARATION]
    _set_container(spec, BASELINE, "fetch_baseline", image)


def _bind_parameters(spec: PipelineSpec) -> dict[str, Any]:
    """Let every component take its parameters from the preparation.

    Returns:
        Output parameters that the preparation needs for that: name -> definition.
    """
    outputs = {}
    for task, body in spec["root"]["dag"]["tasks"].items():
        if task == BASELINE:
            continue
        parameters = body.get("inputs", {}).get("parameters", {})
        for name in parameters:
            definition = spec["components"][task]["inputDefinitions"]["parameters"][name]
            output = qualified_name(task, name)
            outputs[output] = {"parameterType": definition["parameterType"]}
            parameters[name] = _preparation_output(output)
        if parameters:
            body["dependentTasks"] = sorted({*body.get("dependentTasks", []), PREPARATION})
    return outputs


def _add_preparation(
    spec: PipelineSpec, component_parameters: dict[str, Any], config: str, image: str
) -> None:
    inputs = spec["root"]["inputDefinitions"]["parameters"]
    definitions = {name: {"parameterType": one["parameterType"]} for name, one in inputs.items()}
    values: dict[str, Any] = {name: {"componentInputParameter": name} for name in inputs}
    values["config"] = {"runtimeValue": {"constant": config}}
    spec["components"][PREPARATION] = {
        "inputDefinitions": {"parameters": {**definitions, "config": _TEXT}},
        "outputDefinitions": {
            "parameters": {
                **component_parameters,
                **dict.fromkeys(("config", "snapshot", "run_id", "baseline"), _TEXT),
                "baseline_version": _NUMBER,
            }
        },
    }
    spec["root"]["dag"]["tasks"][PREPARATION] = {"inputs": {"parameters": values}}
    _set_program(spec, PREPARATION, "prepare_run", image)


def _add_summary(spec: PipelineSpec, image: str) -> None:
    artifacts = {qualified_name(*source): source for source in SUMMARY_INPUTS}
    outputs = {task: spec["components"][task]["outputDefinitions"] for task, _ in SUMMARY_INPUTS}
    texts = ("config", "snapshot", "run_id")
    parameters = (*texts, "baseline_version")
    spec["components"][SUMMARY] = {
        "inputDefinitions": {
            "parameters": {**dict.fromkeys(texts, _TEXT), "baseline_version": _NUMBER},
            "artifacts": {
                name: {"artifactType": outputs[task]["artifacts"][output]["artifactType"]}
                for name, (task, output) in artifacts.items()
            },
        }
    }
    spec["root"]["dag"]["tasks"][SUMMARY] = {
        "inputs": {
            "parameters": {name: _preparation_output(name) for name in parameters},
            "artifacts": {
                name: {"taskOutputArtifact": {"producerTask": task, "outputArtifactKey": output}}
                for name, (task, output) in artifacts.items()
            },
        },
        "dependentTasks": sorted({PREPARATION, *outputs}),
    }
    _set_program(spec, SUMMARY, "summarise_run", image)


def _preparation_output(name: str) -> dict[str, Any]:
    """Return a reference to an output parameter of the preparation."""
    return {"taskOutputParameter": {"producerTask": PREPARATION, "outputParameterKey": name}}


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
