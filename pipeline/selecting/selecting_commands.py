"""The command `select`. Modules that import slowly are imported inside the function."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.command_options import DEFAULT_WORKSPACE, DomainOption, NameOption
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import expand_home

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="Workspace of the serving model.")
]


def add_to(app: typer.Typer) -> None:
    """Add the command to the `carryover` command.

    Args:
        app: The command.
    """
    app.command()(select)


def select(
    count: Annotated[
        int, typer.Option("--count", "-n", min=1, metavar="N", help="Number of pictures to choose.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Folder for the pictures; it must not exist or be empty."
        ),
    ],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    inbox: Annotated[
        Path | None,
        typer.Option(
            "--inbox", help="Folder in which batches arrive; those taken already are read, too."
        ),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option("--batch", metavar="NAME", help="Only this batch of --inbox."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data", "-d", help="Folder with <domain>/_unlabelled/<picture>, or a manifest."
        ),
    ] = None,
    domain: DomainOption = None,
    name: NameOption = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the choice.")] = 17,
) -> None:
    """Choose the unlabelled pictures whose labels help the serving model most.

    Copies them, and writes a table, tasks for Label Studio and a contact sheet. A fifth, rounded,
    is chosen at random, so that it can test. Exit codes: 0 done, 2 bad input, 1 failure.
    """
    from pipeline.selecting.select_for_labelling import PictureSource, select_for_labelling

    if data is not None and not data.strip():
        raise InputError("--data has an empty value. Give a folder or a manifest.")
    source = PictureSource(inbox, Path(expand_home(data)) if data else None, domain, batch)
    select_for_labelling(workspace, name, source, count, output, seed)
