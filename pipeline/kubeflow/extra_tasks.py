"""The steps that Kubeflow needs beside the components, and how the components hang on the first.

`carryover run` works out the parameters of the components before it launches them. A pipeline spec
outlives its pictures, so here the first step does that in every run, and hands the parameters on.
"""

from typing import Any

PREPARATION, BASELINE, SUMMARY = "Preparation", "Baseline", "Summary"

#: Value of the parameter `baseline_uri`: the version that serves when the run starts.
NEWEST = "newest"

#: What the summary is read from: (task, output).
SUMMARISED = (
    ("ImageExampleGen", "rejects"),
    ("DataGate", "findings"),
    ("Trainer", "model"),
    ("Evaluator", "evaluation"),
    ("ServingCheck", "blessing"),
    ("Pusher", "pushed_model"),
)

Spec = dict[str, Any]

_TEXT = {"parameterType": "STRING"}
_NUMBER = {"parameterType": "NUMBER_INTEGER"}
_BETWEEN = "__"


def output_name(task: str, name: str) -> str:
    """Name under which a step knows a parameter or an artifact of another."""
    return f"{task}{_BETWEEN}{name}"


def split_name(name: str) -> tuple[str, str]:
    """The inverse of `output_name`."""
    task, _, rest = name.partition(_BETWEEN)
    return task, rest


def executor_label(task: str) -> str:
    """Key of a task's executor in the deployment spec, as TFX makes it."""
    return f"{task}_executor"


def add_own_steps(spec: Spec, config: str, image: str) -> None:
    """Add the first step, the last one, and the one that fetches the baseline.

    Args:
        spec: of TFX's runner; the pipeline's inputs are in it already. Changed in place.
        config: JSON of the run's config.
        image: that the steps run in.
    """
    if BASELINE in spec["components"]:
        _fetch_baseline(spec, image)
    bound = _bind_parameters(spec)
    _add_preparation(spec, bound, config, image)
    _add_summary(spec, image)


def _fetch_baseline(spec: Spec, image: str) -> None:
    """A container in place of the Importer, which cannot read from a volume."""
    spec["components"][BASELINE]["inputDefinitions"] = {"parameters": {"folder": _TEXT}}
    parameters = {"folder": _of_preparation("baseline")}
    spec["root"]["dag"]["tasks"][BASELINE]["inputs"] = {"parameters": parameters}
    spec["root"]["dag"]["tasks"][BASELINE]["dependentTasks"] = [PREPARATION]
    _set_container(spec, BASELINE, "fetch_baseline", image)


def _bind_parameters(spec: Spec) -> dict[str, Any]:
    """Let every component take its parameters from the first step.

    Returns:
        Outputs that the first step needs for that: name -> definition.
    """
    bound = {}
    for task, body in spec["root"]["dag"]["tasks"].items():
        if task == BASELINE:
            continue
        parameters = body.get("inputs", {}).get("parameters", {})
        for name in parameters:
            definition = spec["components"][task]["inputDefinitions"]["parameters"][name]
            bound[output_name(task, name)] = {"parameterType": definition["parameterType"]}
            parameters[name] = _of_preparation(output_name(task, name))
        if parameters:
            body["dependentTasks"] = sorted({*body.get("dependentTasks", []), PREPARATION})
    return bound


def _add_preparation(spec: Spec, bound: dict[str, Any], config: str, image: str) -> None:
    inputs = spec["root"]["inputDefinitions"]["parameters"]
    definitions = {name: {"parameterType": one["parameterType"]} for name, one in inputs.items()}
    values: Spec = {name: {"componentInputParameter": name} for name in inputs}
    values["config"] = {"runtimeValue": {"constant": config}}
    spec["components"][PREPARATION] = {
        "inputDefinitions": {"parameters": {**definitions, "config": _TEXT}},
        "outputDefinitions": {
            "parameters": {
                **bound,
                **dict.fromkeys(("config", "snapshot", "run_id", "baseline"), _TEXT),
                "baseline_version": _NUMBER,
            }
        },
    }
    spec["root"]["dag"]["tasks"][PREPARATION] = {"inputs": {"parameters": values}}
    _finish_task(spec, PREPARATION, "prepare_run", image)


def _add_summary(spec: Spec, image: str) -> None:
    artifacts = {output_name(*source): source for source in SUMMARISED}
    outputs = {task: spec["components"][task]["outputDefinitions"] for task, _ in SUMMARISED}
    texts = ("config", "snapshot", "run_id")
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
            "parameters": {name: _of_preparation(name) for name in (*texts, "baseline_version")},
            "artifacts": {
                name: {"taskOutputArtifact": {"producerTask": task, "outputArtifactKey": output}}
                for name, (task, output) in artifacts.items()
            },
        },
        "dependentTasks": sorted({PREPARATION, *outputs}),
    }
    _finish_task(spec, SUMMARY, "summarise_run", image)


def _of_preparation(name: str) -> Spec:
    return {"taskOutputParameter": {"producerTask": PREPARATION, "outputParameterKey": name}}


def _finish_task(spec: Spec, task: str, module: str, image: str) -> None:
    spec["root"]["dag"]["tasks"][task] |= {
        "componentRef": {"name": task},
        "taskInfo": {"name": task},
    }
    spec["components"][task]["executorLabel"] = executor_label(task)
    _set_container(spec, task, module, image)


def _set_container(spec: Spec, task: str, module: str, image: str) -> None:
    command = ["python", "-m", f"pipeline.kubeflow.{module}"]
    container = {"image": image, "command": command, "args": ["{{$}}"]}
    spec["deploymentSpec"]["executors"][executor_label(task)] = {"container": container}
