"""Program of the first step on Kubeflow: prepare a run as `carryover run` does.

It lists the pictures, finds the baseline, and computes the parameters of every component from
pipeline/dag.py. So every scheduled run uses the pictures of its day. Kubeflow's cache works as
well: the same listing, config and code give the same parameters.
"""

import json
import sys
from dataclasses import asdict
from typing import Any

from pydantic import ValidationError

from components.compat.tfx_internals import serving_model_path
from pipeline.config.config_error import ConfigSources, describe_error
from pipeline.config.path_check import check_data, check_weights
from pipeline.config.run_config import RunConfig
from pipeline.dag import create_pipeline
from pipeline.identity.component_fingerprints import fingerprint_components
from pipeline.identity.model_key import model_key
from pipeline.inputs.layouts.layout import run_layout
from pipeline.inputs.snapshot import take_snapshot
from pipeline.kubeflow.extra_tasks import NEWEST, qualified_name
from pipeline.kubeflow.pipeline_spec import compile_pipeline_spec, constant_parameters
from pipeline.kubeflow.programs.executor_input import ExecutorInput
from pipeline.running.prepare_launcher import baseline_version, pipeline_inputs
from pipeline.running.run import Run
from pipeline.terminal.plain_lines import print_line
from pipeline.terminal.progress_display import ProgressDisplay
from pipeline.terminal.safe_console import SafeConsole
from pipeline.terminal.standard_streams import prepare_streams
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.wording import counted


def read_run_config(parameters: dict[str, Any]) -> RunConfig:
    """Return the compiled config, changed by the parameters of the run.

    Args:
        parameters: `config` (JSON), `data`, `image_size` and `seed`.

    Raises:
        InputError: A parameter is not allowed, the path of the data cannot be recorded, or the
            file of backbone weights does not exist.
    """
    settings = json.loads(parameters["config"])
    settings["data"] = parameters["data"]
    settings["image_size"] = int(parameters["image_size"])
    settings["seed"] = int(parameters["seed"])
    try:
        config = RunConfig.model_validate(settings).resolved()
    except ValidationError as error:
        raise InputError(describe_error(error, ConfigSources())) from None
    check_data(config)
    check_weights(config)
    return config


def choose_baseline(run: Run, key: str, uri: str) -> int:
    """Return the version that the candidate is compared with and starts from.

    Args:
        run: Run that is prepared.
        key: Model key of the run, see `pipeline.identity.model_key.model_key`.
        uri: `newest`, or the folder of a version in the serving directory.

    Raises:
        InputError: There is no such version.
    """
    versions = run.store.versions()
    if uri == NEWEST and versions:
        return baseline_version(run, key) or versions[-1]
    for version in versions:
        if uri.rstrip("/") == str(run.store.path(version)):
            return version
    raise InputError(
        f"baseline_uri {uri}: there is no such version in {run.store.serving}. Give {NEWEST} or "
        "the folder of a version there. For a first run, compile without --baseline."
    )


def main() -> None:
    """Write all output parameters of the step."""
    prepare_streams()
    step = ExecutorInput(sys.argv[1])
    config = read_run_config(step.parameters)
    workspace = Workspace(config.workspace)
    snapshot = take_snapshot(
        config.data,
        workspace.inputs,
        run_layout(config),
        config.slice_columns,
    )
    run_id = workspace.new_run(config)
    display = ProgressDisplay(SafeConsole())
    run = Run(run_id, config, workspace, snapshot, display, workspace.runs / run_id)
    code = fingerprint_components()
    key = model_key(snapshot.digest, config, code)
    uri = step.parameters.get("baseline_uri")
    baseline = choose_baseline(run, key, uri) if uri else None
    inputs = pipeline_inputs(run, code, key, baseline)
    pipeline = create_pipeline(config, inputs)
    parameters = constant_parameters(compile_pipeline_spec(pipeline, "image"))

    values = {qualified_name(*names): value for names, value in parameters.items()}
    values["config"] = config.model_dump_json()
    values["snapshot"] = json.dumps(asdict(snapshot), default=str)
    values["run_id"] = run_id
    values["baseline_version"] = baseline or 0
    # The path has the digest of the model in it, for Kubeflow's cache.
    values["baseline"] = serving_model_path(inputs.baseline_uri) if inputs.baseline_uri else ""
    for name in step.output_parameters:
        step.write_parameter(name, values[name])
    for note in snapshot.notes:
        print_line(note)
    files = counted(snapshot.files, "file")
    print_line(f"run {run_id}: {files}, domains {', '.join(snapshot.domains)}")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"carryover: {error}")
