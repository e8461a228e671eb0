"""The commands that train, and `inspect`, which looks at the data beforehand.

Modules that import slowly are imported inside the functions.
"""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.command_options import (
    DEFAULT_WORKSPACE,
    ConfigOption,
    DataOption,
    DomainOption,
    LayoutOption,
    SetOption,
    WorkspaceOption,
)
from pipeline.commands.exit_codes import (
    EXIT_BAD_INPUT,
    EXIT_DONE,
    EXIT_FAILURE,
    EXIT_NOT_BLESSED,
    EXIT_PUSHED,
)
from pipeline.commands.logged_command import load_command_config
from pipeline.logs.command_log import command_log
from pipeline.terminal.plain_lines import print_line
from trainer_module.contract.errors import InputError


def add_to(app: typer.Typer) -> None:
    """Add the commands to the `carryover` command."""
    for command in (run, join, inspect, crossval, tune):
        app.command()(command)


def run(
    context: typer.Context,
    data: DataOption = None,
    layout: LayoutOption = None,
    domain: DomainOption = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", help="Folder for everything that the run writes."),
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume the unfinished run of the workspace.")
    ] = False,
) -> None:
    """Train a model on labelled pictures, evaluate it, and push it if no domain got worse.

    The same command resumes a killed run after its last finished component. --resume does so
    without the other options. Exit codes: 0 pushed, 3 not blessed, 2 bad input, 1 failure.
    """
    from pipeline.retraining.pass_cleaning import clean_after
    from pipeline.running.local_run import run_pipeline
    from pipeline.workspace import Workspace

    if resume:
        if workspace is None or any([data, layout, domain, config, overrides]):
            raise InputError("--resume takes --workspace DIR and no other option.")
        config = Workspace(workspace.resolve()).unfinished_config()
    try:
        given = {"data": data, "layout": layout, "domain": domain, "workspace": workspace}
        loaded = load_command_config(context, config, overrides, **given)
        summary = run_pipeline(loaded)
        clean_after(loaded.resolved(), command_log(context))
    except KeyboardInterrupt:
        print_line("carryover: interrupted. Run the same command again to resume.", to_stderr=True)
        raise typer.Exit(EXIT_FAILURE) from None
    raise typer.Exit(EXIT_PUSHED if summary.status == "pushed" else EXIT_NOT_BLESSED)


def join(workspace: WorkspaceOption = DEFAULT_WORKSPACE) -> None:
    """Join the trainings of a run on another machine, as a worker that TF_CONFIG names.

    Give the workspace of that run, in a folder that all machines share. The worker waits for the
    next training until it is stopped. Exit codes: 0 stopped by SIGTERM or Ctrl-C, 2 bad input.
    """
    from pipeline.running.join_command import join_trainings

    join_trainings(workspace, print_line)


def inspect(
    context: typer.Context,
    data: DataOption = None,
    layout: LayoutOption = None,
    domain: DomainOption = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", help="Workspace of a serving model to compare with."),
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the contact sheet and the lists.")
    ] = Path("inspection"),
) -> None:
    """Show what is in the data and what is wrong with them, without training.

    With --workspace, pictures that lack domains or classes of the serving model are compared as a
    batch for `carryover retrain`. Exit codes: 0 the data gate would stop neither a run nor, for a
    batch, a retraining; 2 it would stop (or bad input), 1 failure.
    """
    from pipeline.inspecting.inspection import inspect_data

    given = {"data": data, "layout": layout, "domain": domain, "workspace": workspace}
    loaded = load_command_config(context, config, overrides, **given)
    raise typer.Exit(EXIT_DONE if inspect_data(loaded, output) else EXIT_BAD_INPUT)


def crossval(
    context: typer.Context,
    data: DataOption = None,
    layout: LayoutOption = None,
    domain: DomainOption = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", help="Workspace whose cached pictures are used."),
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Trainings per domain.")] = 3,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for crossval.json.")
    ] = Path("crossval"),
) -> None:
    """Estimate the accuracy in an unseen domain: leave out each domain in turn, train, evaluate.

    Nothing is pushed. Exit codes: 0 done, 2 bad input, 1 failure.
    """
    from pipeline.cross_validation import cross_validate_data

    given = {"data": data, "layout": layout, "domain": domain, "workspace": workspace}
    loaded = load_command_config(context, config, overrides, **given)
    cross_validate_data(loaded, seeds, output)


def tune(
    context: typer.Context,
    data: DataOption = None,
    layout: LayoutOption = None,
    domain: DomainOption = None,
    workspace: Annotated[
        Path | None,
        typer.Option(
            "--workspace", "-w", help="Workspace whose pictures and trials of earlier calls count."
        ),
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    minutes: Annotated[
        float,
        typer.Option(
            "--minutes", "-m", min=0.01, help="Time for the trials, after the pictures are read."
        ),
    ] = 30,
    trials: Annotated[
        int | None,
        typer.Option("--trials", min=1, help="Number of trials after which to stop earlier."),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for tuned.yaml and tuning.json.")
    ] = Path("tuning"),
) -> None:
    """Search the options of the trainer, and write the best ones to a file for `run --config`.

    The eval split decides, and the options as given stay where no others are better by more than
    chance. With --workspace, the same command continues the search. Ctrl-C keeps the best so far.
    Exit codes: 0 done, 2 bad input, 1 failure.
    """
    from pipeline.tuning.option_search import search_options

    given = {"data": data, "layout": layout, "domain": domain, "workspace": workspace}
    loaded = load_command_config(context, config, overrides, **given)
    search_options(loaded, minutes, trials, output)
