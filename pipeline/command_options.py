"""Options that several commands share. Imports nothing that is slow."""

from pathlib import Path
from typing import Annotated, Any

import typer

DEFAULT_WORKSPACE = Path("workspace")

#: Key in the `meta` of a command's context: URI of its workspace, if that is in an object store.
STORE_URI = "carryover.store_uri"

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="Folder for everything that runs write.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set one config key; repeatable."),
]
NameOption = Annotated[
    str | None,
    typer.Option("--name", help="Name of the model; required if the workspace has several."),
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Config, a YAML file; see configs/.")
]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data", "-d", help="Folder with <domain>/<class>/<picture>, or a manifest (CSV, Parquet)."
    ),
]
LayoutOption = Annotated[
    str | None,
    typer.Option(
        "--layout",
        metavar="LEVELS",
        help="Meaning of the levels of folders, such as split/domain/class.  [recognised]",
    ),
]
DomainOption = Annotated[
    str | None,
    typer.Option(
        "--domain", metavar="NAME", help="Domain of all pictures, where no folder names it."
    ),
]


def given_values(**values: Any) -> dict[str, Any]:
    """Return the options that the user has given.

    Args:
        values: Values of options by name; None if an option was not given.
    """
    return {key: value for key, value in values.items() if value is not None}
