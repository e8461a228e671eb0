"""The command that writes a manifest. Modules that import slowly are imported in the function."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.command_options import DomainOption, LayoutOption
from pipeline.commands.exit_codes import EXIT_BAD_INPUT, EXIT_DONE
from pipeline.terminal.plain_lines import print_line
from trainer_module.contract.output_text.wording import counted


def add_to(app: typer.Typer) -> None:
    """Add the command to the `carryover` command."""
    app.command()(manifest)


def manifest(
    export: Annotated[
        Path,
        typer.Argument(
            metavar="EXPORT", help="JSON file or folder of an annotation tool, or of pictures."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Manifest to write, a CSV file.")],
    domain: DomainOption = None,
    layout: LayoutOption = None,
    images: Annotated[
        Path | None,
        typer.Option("--images", metavar="DIR", help="Folder of the pictures.  [in EXPORT]"),
    ] = None,
) -> None:
    """Write the manifest of an export: COCO, Pascal VOC, Label Studio, or folders of pictures.

    A picture that has not exactly one class is skipped. Exit codes: 0 done, 2 some pictures were
    skipped (each is listed, with the reason) or bad input, 1 failure.
    """
    from pipeline.inputs.exports.manifest_writer import write_manifest
    from pipeline.inputs.layouts.layout import layout_options

    options = layout_options(layout, domain, data_option="")
    written = write_manifest(export, images, options, output)
    for line in written.lines():
        print_line(line)
    print_line(f"manifest: {output} ({counted(len(written.rows), 'picture')})")
    raise typer.Exit(EXIT_BAD_INPUT if written.skipped else EXIT_DONE)
