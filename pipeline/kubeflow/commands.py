"""The commands for Kubeflow. Nothing heavy is imported before it is needed."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.command_options import ConfigOption, DataOption, SetOption, given_values


def add_to(app: typer.Typer) -> None:
    """Add the commands to the `carryover` command."""
    app.command(name="compile")(compile_)


def compile_(
    data: DataOption = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", help="Folder on a volume that every step mounts."),
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    engine: Annotated[Literal["kubeflow"], typer.Option("--engine", help="What runs it.")] = (
        "kubeflow"
    ),
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
    """Write the pipeline for Kubeflow Pipelines; paths in it are those of the cluster."""
    from pipeline.config import load_config
    from pipeline.kubeflow.compiling import compile_pipeline

    given = given_values(data=data, workspace=workspace)
    compile_pipeline(load_config(config, overrides or [], given), baseline, output)
    typer.echo(f"{engine} pipeline: {output}")
