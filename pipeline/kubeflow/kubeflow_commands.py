"""The commands for Kubeflow. Nothing heavy is imported before it is needed."""

import os
import warnings
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from pipeline.command_options import ConfigOption, DataOption, SetOption, given_values
from trainer_module.contract.errors import InputError


class Engine(str, Enum):
    """What runs it: Kubeflow Pipelines, or Kubeflow's training operator."""

    KUBEFLOW = "kubeflow"
    TRAINING_JOB = "training-job"


def add_to(app: typer.Typer) -> None:
    """Add the commands to the `carryover` command."""
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
    engine: Annotated[Engine, typer.Option("--engine", help="What runs it.")] = Engine.KUBEFLOW,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline", help="Model to beat: `newest`, or a version's folder. First run: none."
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path(
        "pipeline.yaml"
    ),
) -> None:
    """Write the pipeline for Kubeflow Pipelines; paths in it are those of the cluster.

    With `--engine training-job` it is one run as a TFJob, whose training several pods share.
    """
    from pipeline.config.config_file import load_config
    from pipeline.kubeflow.config_check import check_config, check_training_job
    from pipeline.kubeflow.training_job import write_training_job

    loaded = load_config(config, overrides or [], given_values(data=data, workspace=workspace))
    if engine is Engine.TRAINING_JOB:
        if baseline:
            raise InputError("a training job takes what serves for its baseline: no --baseline.")
        check_training_job(loaded)
        write_training_job(loaded, output)
        typer.echo(f"training job: {output}")
        return
    check_config(loaded)
    # TFX brings TensorFlow and more, which talk of themselves when they are imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore", FutureWarning)
    from pipeline.kubeflow.compiling import compile_pipeline

    compile_pipeline(loaded, baseline, output)
    typer.echo(f"kubeflow pipeline: {output}")


def submit(
    host: Annotated[str, typer.Option("--host", help="URL of the Kubeflow Pipelines API.")],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What carryover compile wrote.")
    ] = Path("pipeline.yaml"),
    experiment: Annotated[
        str, typer.Option("--experiment", help="That runs are listed under.")
    ] = "carryover",
    name: Annotated[
        str | None, typer.Option("--name", help="Of the run; left out: that of the file.")
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="NAME=VALUE", help="Parameter of the run; repeatable."),
    ] = None,
    cron: Annotated[
        str | None,
        typer.Option("--cron", help="Run on a schedule; six fields, seconds first."),
    ] = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", help="Where the server has several users.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until the run has ended.")] = False,
    poll: Annotated[
        float, typer.Option("--poll", min=0.1, help="Seconds between two looks at it.")
    ] = 30.0,
) -> None:
    """Run a compiled pipeline on Kubeflow, once or on a schedule.

    Exit codes: 0 done (with --wait: and the run succeeded), 2 bad input, 1 failure.
    """
    from pipeline.kubeflow.submitting import Server, check_cron, read_parameters

    values = read_parameters(file, parameters or [])
    if cron:
        check_cron(cron)
        if wait:
            raise InputError(
                "--wait is for one run, not for a schedule. Leave out --wait or --cron."
            )
    server = Server(host, experiment, namespace)
    version = server.upload(file)
    title = name or file.stem
    if cron:
        typer.echo(f"scheduled: {server.schedule(title, version, values, cron)}")
        return
    run = server.run(title, version, values)
    typer.echo(f"run: {run}")
    if wait:
        state = server.wait(run, poll)
        typer.echo(f"state: {state}")
        raise typer.Exit(0 if state == "SUCCEEDED" else 1)
