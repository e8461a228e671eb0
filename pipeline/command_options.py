"""Options that several commands share. Nothing heavy is imported here."""

from pathlib import Path
from typing import Annotated, Any

import typer

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one config key; repeatable."),
]
NameOption = Annotated[
    str | None,
    typer.Option("--name", help="Of the model; needed where the workspace holds several."),
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="YAML file, see configs/.")
]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data", "-d", help="Folder with <domain>/<class>/<picture>, or a manifest (CSV, Parquet)."
    ),
]


def given_values(**values: Any) -> dict[str, Any]:
    """The options that were given."""
    return {key: value for key, value in values.items() if value is not None}
