"""The commands that take versions elsewhere: bundle, publish.

Modules that import slowly are imported inside the functions.
"""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.command_options import (
    DEFAULT_WORKSPACE,
    NameOption,
    SetOption,
    WorkspaceOption,
)
from pipeline.commands.exit_codes import EXIT_DONE, EXIT_FAILURE
from pipeline.terminal.plain_lines import print_line
from trainer_module.contract.errors import InputError


def add_to(app: typer.Typer) -> None:
    """Add the commands to the `carryover` command."""
    for command in (bundle, publish):
        app.command()(command)


def bundle(
    version: Annotated[
        int | None,
        typer.Argument(metavar="[VERSION]", help="Version to bundle; by default the serving one."),
    ] = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    name: NameOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the bundle.  [<workspace>/exports]"),
    ] = None,
    no_report: Annotated[
        bool,
        typer.Option("--no-report", help="Leave out the report, which shows thumbnails."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file of this name that differs.")
    ] = False,
) -> None:
    """Write a version, its model card, report and checksums into one reproducible tar.

    The same version gives the same bytes. Unpacked, it is a workspace that predicts and serves.
    Exit codes: 0 done, or it is there already; 2 bad input, 1 failure.
    """
    from pipeline.publishing.bundle import bundle as write

    write(workspace, name, version, output, not no_report, force)


def publish(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    name: NameOption = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="YAML file; by default the config of the serving version's run."
        ),
    ] = None,
    overrides: SetOption = None,
) -> None:
    """Publish the runs and versions that the targets of `publish` in the config lack.

    Runs, passes, accept and rollback do the same at their end. Exit codes: 0 every target has
    everything, 2 bad input, 1 a target failed.
    """
    from pipeline.publishing.publish_at_end import read_publish_options
    from pipeline.publishing.publish_process import publish_logged
    from pipeline.version_lookup import find_store
    from pipeline.workspace import Workspace

    store = find_store(workspace, name)
    options = read_publish_options(store, config, overrides or [])
    if not options:
        raise InputError(
            "no target is configured. Give one with --set publish.bundles=DIR or "
            "--set publish.mlflow=URI."
        )
    log = Workspace(store.root).log("publish")
    is_complete = publish_logged(options, store, log, print_line, by_hand=True)
    if is_complete:
        print_line("All targets have every version.")
    raise typer.Exit(EXIT_DONE if is_complete else EXIT_FAILURE)
