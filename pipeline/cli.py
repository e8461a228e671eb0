"""The `carryover` command. Nothing heavy is imported before it is needed."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from pipeline.command_options import (
    ConfigOption,
    DataOption,
    NameOption,
    SetOption,
    given_values,
)
from pipeline.kubeflow import kubeflow_commands as kubeflow_commands
from pipeline.retraining import retraining_commands as retraining_commands
from trainer_module.contract.errors import InputError
from trainer_module.export.export_formats import Format

EXIT_PUSHED, EXIT_FAILURE, EXIT_BAD_INPUT, EXIT_NOT_BLESSED = 0, 1, 2, 3

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rich takes longer to import than the rest of --help
    help="Train, check and serve image classifiers that hold in every domain.",
)

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="Folder that holds everything a run writes.")
]


@app.command()
def run(
    data: DataOption = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", help="Folder for everything the run writes."),
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the workspace's unfinished run.")
    ] = False,
) -> None:
    """Train a model on a folder of pictures, check every domain, and push it if none got worse.

    A killed run goes on where it was when the same command is given again; --resume does so
    without repeating the options. Exit codes: 0 pushed, 3 not blessed, 2 bad input, 1 failure.
    """
    from pipeline.config.config_file import load_config
    from pipeline.running.local_run import run_pipeline
    from pipeline.workspace import Workspace

    if resume:
        if workspace is None or data or config or overrides:
            raise InputError("--resume takes --workspace DIR and no other option.")
        config = Workspace(workspace.resolve()).unfinished_config()
    try:
        given = given_values(data=data, workspace=workspace)
        summary = run_pipeline(load_config(config, overrides or [], given))
    except KeyboardInterrupt:
        _fail("interrupted. The same command goes on where it was.", EXIT_FAILURE)
    raise typer.Exit(EXIT_PUSHED if summary.status == "pushed" else EXIT_NOT_BLESSED)


@app.command()
def join(workspace: WorkspaceOption = Path("workspace")) -> None:
    """Train along with a run on another machine, as one of the workers that TF_CONFIG names.

    The workspace is that of the run, on a folder that all machines see. Takes part in one training
    after the other until it is stopped. Exit codes: 0 stopped by SIGTERM or Ctrl-C, 2 bad input.
    """
    from pipeline.running.join_command import join_trainings

    join_trainings(workspace, typer.echo)


@app.command()
def inspect(
    data: DataOption = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", help="Compare with the model that serves there."),
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the contact sheet and the lists.")
    ] = Path("inspection"),
) -> None:
    """Say what is in a folder of pictures and what is wrong with it, without training.

    Exit codes: 0 a run would go on to train, 2 it would stop (or bad input), 1 failure.
    """
    from pipeline.config.config_file import load_config
    from pipeline.inspecting.inspection import inspect_data

    given = given_values(data=data, workspace=workspace)
    would_run = inspect_data(load_config(config, overrides or [], given), output)
    raise typer.Exit(0 if would_run else EXIT_BAD_INPUT)


@app.command()
def crossval(
    data: DataOption = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", help="Where a run's prepared pictures are kept."),
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Trainings per domain.")] = 3,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for crossval.json.")
    ] = Path("crossval"),
) -> None:
    """Say what accuracy to expect in a domain never seen: leave out one at a time, train, score.

    Nothing is pushed. Exit codes: 0 done, 2 bad input, 1 failure.
    """
    from pipeline.config.config_file import load_config
    from pipeline.cross_validation import cross_validate_data

    given = given_values(data=data, workspace=workspace)
    cross_validate_data(load_config(config, overrides or [], given), seeds, output)


@app.command()
def report(
    run_id: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="Id of a run; left out: the newest.")
    ] = None,
    workspace: WorkspaceOption = Path("workspace"),
    history: Annotated[
        bool, typer.Option("--history", help="One page of all versions and retrainings.")
    ] = False,
) -> None:
    """Make the page of a run again, or that of the workspace's history, and print its path."""
    from pipeline.report.history_page import write_history
    from pipeline.report.run_report import make_again
    from pipeline.workspace import Workspace

    if history and run_id:
        raise InputError("--history is about all runs: leave RUN out.")
    place = Workspace(workspace.resolve())
    typer.echo(write_history(place) if history else make_again(place, run_id))


@app.command()
def predict(
    images: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGE...", help="Pictures, folders, and patterns in quotes."),
    ],
    workspace: WorkspaceOption = Path("workspace"),
    name: NameOption = None,
    csv: Annotated[bool, typer.Option("--csv", help="A row of CSV per picture.")] = False,
    json: Annotated[bool, typer.Option("--json", help="A line of JSON per picture.")] = False,
    domain_report: Annotated[
        bool,
        typer.Option(
            "--domain-report",
            help="Accuracy per domain of folders with <domain>/<class>/<picture>.",
        ),
    ] = False,
) -> None:
    """Classify pictures with the model that serves now.

    Exit codes: 0 all were classified, 2 some could not be read (each is told, with the reason) or
    bad input, 1 failure.
    """
    from pipeline.predicting.prediction import predict_images
    from pipeline.predicting.prediction_output import Csv, Json, Lines

    if csv and json:
        raise InputError("--csv and --json exclude each other. Give one of them.")
    output = Csv if csv else Json if json else Lines
    raise typer.Exit(predict_images(images, workspace, name, output, domain_report))


@app.command()
def serve(
    workspace: WorkspaceOption = Path("workspace"),
    name: NameOption = None,
    port: Annotated[
        int, typer.Option("--port", "-p", min=0, max=65535, help="0 takes one that is free.")
    ] = 8501,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for every network.")
    ] = "127.0.0.1",
) -> None:
    """Serve the model over HTTP as TensorFlow Serving would, with a page to try it on.

    New versions and rollbacks are taken over while it runs. Exit codes: 0 stopped by SIGTERM or
    Ctrl-C, 2 bad input, 1 failure.
    """
    from pipeline.serving.server import serve as run_server

    run_server(workspace, name, host, port)


@app.command()
def export(
    form: Annotated[Format, typer.Option("--format", help="What to make of the model.")],
    workspace: WorkspaceOption = Path("workspace"),
    name: NameOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the model and its figures.  [exports/]"),
    ] = None,
) -> None:
    """Convert the model that serves, and compare the result with it on the test split.

    The result takes pixels, float32 RGB 0-255, and gives probabilities. Exit codes: 0 done, 2 bad
    input, 1 failure.
    """
    from pipeline.predicting.model_export import export_model

    export_model(workspace, name, form, output)


@app.command()
def versions(workspace: WorkspaceOption = Path("workspace"), name: NameOption = None) -> None:
    """List the versions of a model, with their accuracy per domain."""
    from pipeline.version_lookup import find_store, show_versions

    show_versions(find_store(workspace, name))


@app.command()
def rollback(workspace: WorkspaceOption = Path("workspace"), name: NameOption = None) -> None:
    """Take the newest version out of service, so that the one before serves again."""
    from pipeline.version_lookup import find_store, roll_back

    roll_back(find_store(workspace, name))


retraining_commands.add_to(app)
kubeflow_commands.add_to(app)


@app.command()
def doctor(workspace: WorkspaceOption = Path("workspace")) -> None:
    """Check the installation, the hardware and the workspace."""
    from pipeline.doctor import examine

    raise typer.Exit(examine(workspace))


def main() -> None:
    """Run the command; errors are one line, with exit code 2 for bad input, 1 otherwise."""
    try:
        app()
    except InputError as error:
        _fail(str(error), EXIT_BAD_INPUT)
    except Exception as error:
        _fail(" ".join(str(error).split()) or type(error).__name__, EXIT_FAILURE)


def _fail(message: str, code: int) -> NoReturn:
    print(f"carryover: {message}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
