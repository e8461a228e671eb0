"""Options that several commands share. Nothing heavy is imported here."""

from typing import Annotated

import typer

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one config key; repeatable."),
]
NameOption = Annotated[
    str | None,
    typer.Option("--name", help="Of the model; needed where the workspace holds several."),
]
