"""The command that labels pictures. Modules that import slowly are imported in the function."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.command_options import DomainOption, NameOption


def add_to(app: typer.Typer) -> None:
    """Add the command to the `carryover` command."""
    app.command()(label)


def label(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="Folder with <domain>/_to_label/, <domain>/_unlabelled/ or <domain>/<picture>.",
        ),
    ],
    classes_from: Annotated[
        Path | None,
        typer.Option(
            "--classes-from",
            metavar="WORKSPACE",
            help="Workspace whose serving version names the classes and proposes labels.",
        ),
    ] = None,
    name: NameOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder of the batch to write, in an inbox.  [DIR-labelled]"
        ),
    ] = None,
    domain: DomainOption = None,
    only_labelled: Annotated[
        bool, typer.Option("--only-labelled", help="Leave pictures without a label out.")
    ] = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="Write the batch from the labels so far; no page.")
    ] = False,
    port: Annotated[
        int,
        typer.Option("--port", "-p", min=0, max=65535, help="Port of the page; 0 for a free one."),
    ] = 0,
) -> None:
    """Give pictures labels on a local page, with the keyboard, and write them as a batch.

    Every label is kept at once: a second start resumes. Nothing in DIR is changed. Exit codes:
    0 written or stopped, 2 bad input, 1 failure.
    """
    from pipeline.labelling.label_server import LabelOptions
    from pipeline.labelling.label_server import label as run_labelling

    options = LabelOptions(folder, classes_from, name, output, domain, only_labelled, port)
    run_labelling(options, finish)
