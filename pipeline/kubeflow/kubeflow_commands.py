"""The commands `compile` and `submit`, for Kubeflow.

TFX, kfp and TensorFlow are imported inside the functions, to keep `carryover --help` fast.
"""

import os
import warnings
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.command_options import ConfigOption, DataOption, SetOption, given_values
from pipeline.terminal.plain_lines import print_line
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.credentials import find_credentials

if TYPE_CHECKING:
    from pipeline.config.run_config import RunConfig


class Engine(str, Enum):
    """Target of `compile`: Kubeflow Pipelines, or Kubeflow's training operator."""

    KUBEFLOW = "kubeflow"
    TRAINING_JOB = "training-job"


def add_to(app: typer.Typer) -> None:
    """Register the commands in the `carryover` app."""
    app.command(name="compile")(compile_)
    app.command()(submit)


def compile_(
    data: DataOption = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", help="Folder on a volume that every step mounts."),
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    engine: Annotated[
        Engine, typer.Option("--engine", help="Target: Pipelines or the training operator.")
    ] = Engine.KUBEFLOW,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            help="Baseline: `newest`, or the folder of a version. Leave out for a first run.",
        ),
    ] = None,
    retrain: Annotated[
        bool,
        typer.Option("--retrain", help="Take batches from the inbox, as `carryover retrain` does."),
    ] = False,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path(
        "pipeline.yaml"
    ),
) -> None:
    """Write the pipeline as a file for Kubeflow Pipelines. Paths in it are paths in the cluster.

    With `--engine training-job`, write a TFJob instead: one run whose training several pods share.
    """
    from pipeline.config.config_file import load_config
    from pipeline.config.output_check import check_output_file
    from pipeline.kubeflow.config_check import check_pipeline_config, check_training_job_config
    from pipeline.kubeflow.training_job import write_training_job

    loaded = load_config(config, overrides or [], given_values(data=data, workspace=workspace))
    check_output_file(output)
    if retrain and (baseline or engine is Engine.TRAINING_JOB):
        raise InputError(
            "--retrain compiles a pipeline whose baseline is the serving version. Leave out "
            f"{'--baseline' if baseline else '--engine training-job'}."
        )
    if engine is Engine.TRAINING_JOB:
        if baseline:
            raise InputError(
                "a training job always has the serving version as its baseline. "
                "Leave out --baseline."
            )
        check_training_job_config(loaded)
        write_training_job(loaded, output)
        _warn_of_credentials(loaded, output)
        print_line(f"training job: {output}")
        return
    check_pipeline_config(loaded, retrain)
    # TFX imports TensorFlow and other libraries, which log and warn when they are imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore", FutureWarning)
    from pipeline.kubeflow.pipeline_compiler import compile_pipeline

    compile_pipeline(loaded, baseline, output, retrain)
    _warn_of_credentials(loaded, output)
    print_line(f"kubeflow pipeline: {output}")


def _warn_of_credentials(config: "RunConfig", output: Path) -> None:
    """Say which credentials a compiled file holds, and make it readable for its owner only."""
    keys = find_credentials(config.model_dump(mode="json"))
    if keys:
        output.chmod(0o600)
        text = (
            f"carryover: {output} holds in plain text what looks like a credential: "
            f"{', '.join(keys)}. Everyone who may see the pipeline or job can read it. Name a "
            "Kubernetes secret in kubeflow.secrets instead."
        )
        print_line(text, to_stderr=True)


def submit(
    host: Annotated[str, typer.Option("--host", help="URL of the Kubeflow Pipelines API.")],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="File that carryover compile wrote.")
    ] = Path("pipeline.yaml"),
    experiment: Annotated[
        str, typer.Option("--experiment", help="Experiment to list the run under.")
    ] = "carryover",
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the run. [default: name of the file]")
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--param", metavar="NAME=VALUE", help="Set a parameter of the run; repeatable."
        ),
    ] = None,
    cron: Annotated[
        str | None,
        typer.Option("--cron", help="Run on this schedule: six fields, seconds first."),
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option("--namespace", help="Namespace of the runs, on a multi-user server."),
    ] = None,
    service_account: Annotated[
        str | None,
        typer.Option(
            "--service-account", metavar="NAME", help="Service account of the pods of the runs."
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the run has ended.")] = False,
    poll: Annotated[
        float,
        typer.Option("--poll", min=0.1, help="Seconds between two state requests while waiting."),
    ] = 30.0,
) -> None:
    """Run a compiled pipeline on Kubeflow, once or on a schedule.

    Exit codes: 0 submitted (with --wait: the run succeeded), 1 failure, 2 bad input.
    """
    from pipeline.kubeflow.kubeflow_client import KubeflowClient, check_cron, read_parameters

    values = read_parameters(file, parameters or [])
    if cron:
        check_cron(cron)
        if wait:
            raise InputError(
                "--wait works for one run, not for a schedule. Leave out --wait or --cron."
            )
    client = KubeflowClient(host, experiment, namespace)
    version = client.upload(file)
    title = name or file.stem
    if cron:
        scheduled = client.schedule(title, version, values, cron, service_account)
        print_line(f"scheduled: {scheduled}")
        return
    run_id = client.run(title, version, values, service_account)
    print_line(f"run: {run_id}")
    if wait:
        state = client.wait(run_id, poll)
        print_line(f"state: {state}")
        raise typer.Exit(0 if state == "SUCCEEDED" else 1)
