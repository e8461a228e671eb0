"""Runs by itself: the first step, which does what `carryover run` does before it launches.

It lists the pictures, finds the model that serves, and works out the parameters of every component
with the pipeline's one definition. So a schedule sees the pictures of its day, and Kubeflow's cache
sees what a run depends on: the same listing, settings and code give the same parameters.
"""

import json
import sys
from dataclasses import asdict
from typing import Any

from rich.console import Console

from pipeline.config.run_config import RunConfig
from pipeline.dag import create_pipeline
from pipeline.inputs.snapshot import take_snapshot
from pipeline.kubeflow.extra_tasks import NEWEST, output_name
from pipeline.kubeflow.programs.executor_input import ExecutorInput
from pipeline.kubeflow.tfx_spec import compile_dag, parameter_values
from pipeline.running.identity import fingerprint_code, model_key
from pipeline.running.preparation import baseline_version, run_inputs
from pipeline.running.run import Run
from pipeline.summary.terminal import Reporter
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError


def prepared_config(parameters: dict[str, Any]) -> RunConfig:
    """The config of the run: as compiled, with the run's own parameters.

    Args:
        parameters: `config` (JSON), `data`, `image_size` and `seed`.
    """
    settings = json.loads(parameters["config"])
    settings["data"] = parameters["data"]
    settings["image_size"] = int(parameters["image_size"])
    settings["seed"] = int(parameters["seed"])
    return RunConfig.model_validate(settings).resolved()


def choose_baseline(run: Run, key: str, uri: str) -> int:
    """The version to beat and to start from.

    Args:
        run: of the model.
        key: of the run, see `pipeline.running.identity.model_key`.
        uri: `newest`, or the folder of a version in the serving directory.

    Raises:
        InputError: there is no such version.
    """
    versions = run.store.versions()
    if uri == NEWEST and versions:
        return baseline_version(run, key) or versions[-1]
    for version in versions:
        if uri.rstrip("/") == str(run.store.path(version)):
            return version
    raise InputError(
        f"baseline_uri {uri}: no such version in {run.store.serving}. Give {NEWEST} or the folder "
        "of a version there; for the first run, compile without --baseline."
    )


def main() -> None:
    """Write every output parameter that the executor input names."""
    step = ExecutorInput(sys.argv[1])
    config = prepared_config(step.parameters)
    workspace = Workspace(config.workspace)
    snapshot = take_snapshot(config.data, workspace.inputs)
    run_id = workspace.new_run(config)
    run = Run(run_id, config, workspace, snapshot, Reporter(Console()), workspace.runs / run_id)
    code = fingerprint_code()
    key = model_key(snapshot.digest, config, code)
    uri = step.parameters.get("baseline_uri")
    baseline = choose_baseline(run, key, uri) if uri else None
    spec = compile_dag(create_pipeline(config, run_inputs(run, code, key, baseline)), "image")

    values = {output_name(*place): value for place, value in parameter_values(spec).items()}
    values["config"] = config.model_dump_json()
    values["snapshot"] = json.dumps(asdict(snapshot), default=str)
    values["run_id"] = run_id
    values["baseline_version"] = baseline or 0
    values["baseline"] = str(run.store.path(baseline)) if baseline else ""
    for name in step.output_parameters:
        step.write_parameter(name, values[name])
    print(f"run {run_id}: {snapshot.files:,} files, domains {', '.join(snapshot.domains)}")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"carryover: {error}")
