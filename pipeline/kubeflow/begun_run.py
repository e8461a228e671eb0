"""Begin a run on Kubeflow: its folder, its lease of the workspace, the parameters of its steps."""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from components.compat.tfx_internals import serving_model_path
from pipeline.config.config_error import ConfigSources, describe_error
from pipeline.config.run_config import RunConfig
from pipeline.dag import create_pipeline
from pipeline.identity.component_fingerprints import fingerprint_components
from pipeline.identity.model_key import model_key
from pipeline.inputs.snapshot import Snapshot
from pipeline.kubeflow.ended_run import write_failed
from pipeline.kubeflow.extra_tasks import NEWEST, qualified_name
from pipeline.kubeflow.long_parameters import shorten_parameter
from pipeline.kubeflow.pipeline_spec import compile_pipeline_spec, constant_parameters
from pipeline.kubeflow.stored_run import StoredRun
from pipeline.running.prepare_launcher import baseline_version, pipeline_inputs
from pipeline.running.run import Run
from pipeline.running.run_failure import failure_reason
from pipeline.terminal.progress_display import ProgressDisplay
from pipeline.terminal.safe_console import SafeConsole
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.workspace_files.lease import Lease


@dataclass(frozen=True)
class BegunRun:
    """A run whose first step has found all that the others need.

    Attributes:
        run: The run.
        baseline: Version that the candidate is compared with; None without one.
        parameters: Output parameters of the first step by name.
    """

    run: Run
    baseline: int | None
    parameters: dict[str, Any]

    @classmethod
    def begin(cls, run: Run, step: str, baseline_uri: str | None) -> "BegunRun":
        """Find the baseline, and compute the parameters of every component from pipeline/dag.py.

        A run for which this fails has a summary that says so.

        Args:
            run: Run with its listing.
            step: Name of this step.
            baseline_uri: `newest`, or the folder of a version; None for a first run.

        Raises:
            InputError: There is no such version, or it has lost a file.
        """
        try:
            return cls._begin(run, baseline_uri)
        except Exception as error:
            run.finish()
            write_failed(run, failure_reason(step, error))
            raise

    @classmethod
    def _begin(cls, run: Run, baseline_uri: str | None) -> "BegunRun":
        code = fingerprint_components()
        key = model_key(run.snapshot.key, run.config, code)
        baseline = choose_baseline(run, key, baseline_uri) if baseline_uri else None
        inputs = pipeline_inputs(run, code, key, baseline)
        pipeline = create_pipeline(run.config, inputs)
        constants = constant_parameters(compile_pipeline_spec(pipeline, "image"))
        parameters = {
            qualified_name(*names): shorten_parameter(value, run.workspace.inputs)
            for names, value in constants.items()
        }
        parameters["config"] = run.config.model_dump_json()
        parameters["run_id"] = run.run_id
        # The path has the digest of the model in it, for Kubeflow's cache.
        for name, uri in (("baseline", inputs.baseline_uri), ("candidate", inputs.candidate_uri)):
            parameters[name] = serving_model_path(uri) if uri else ""
        StoredRun(run.snapshot, baseline).write(run.folder)
        return cls(run, baseline, parameters)


def new_run(
    config: RunConfig, given: RunConfig, workspace: Workspace, snapshot: Snapshot, holder: str
) -> Run:
    """Create the folder of a run, and take the lease of the workspace. The caller holds its lock.

    Args:
        config: Config of the run.
        given: Config that the run was started with, to be kept in its folder.
        workspace: Workspace that the config names.
        snapshot: Listing of the pictures.
        holder: Id of the run on Kubeflow.
    """
    run_id = workspace.new_run(given, snapshot.batch)
    Lease(holder, run_id).write(workspace.root)
    display = ProgressDisplay(SafeConsole())
    return Run(run_id, config, workspace, snapshot, display, workspace.runs / run_id)


def read_run_config(parameters: dict[str, Any]) -> RunConfig:
    """Return the compiled config, changed by the parameters of the run.

    Args:
        parameters: `config` (JSON), and those of `data`, `inbox`, `image_size` and `seed` that the
            pipeline has.

    Raises:
        InputError: A parameter is not allowed.
    """
    settings = json.loads(parameters["config"])
    for name in ("image_size", "seed"):
        if name in parameters:
            settings[name] = int(parameters[name])
    if "data" in parameters:
        settings["data"] = parameters["data"]
    if "inbox" in parameters:
        settings["retrain"]["inbox"] = parameters["inbox"]
    try:
        return RunConfig.model_validate(settings).resolved()
    except ValidationError as error:
        raise InputError(describe_error(error, ConfigSources())) from None


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
