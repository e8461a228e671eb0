"""Commands that write a log, see `pipeline.logs.command_log`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from pipeline.command_options import given_values
from pipeline.logs.command_log import CommandLog

if TYPE_CHECKING:
    from pipeline.config.run_config import RunConfig


class LoggedCommand(TyperCommand):
    """A command that begins its log before it runs."""

    # Typer has had its own class of contexts since 0.29, and Click's before.
    def invoke(self, ctx: Any) -> Any:
        """Begin the log, in the workspace if the command line names one, and run the command."""
        log = command_log(ctx)
        log.start(ctx.info_name or "carryover", sys.argv[1:])
        workspace = ctx.params.get("workspace")
        if workspace:
            log.use_workspace(workspace)
        return super().invoke(ctx)


def command_log(context: typer.Context) -> CommandLog:
    """Return the log of this call of the command.

    A test may run the app without `pipeline.cli.main`; then the log is a new one.
    """
    return context.obj if isinstance(context.obj, CommandLog) else CommandLog()


def load_command_config(
    context: typer.Context, path: Path | None, overrides: list[str] | None, **options: Any
) -> "RunConfig":
    """Load the config of a command, and write the log of the command into its workspace.

    Args:
        context: Context of the command.
        path: YAML file; None for the defaults.
        overrides: `key=value` texts of `--set`.
        options: Values of other options, by the names of config keys; None if not given.
    """
    from pipeline.config.config_file import load_config

    config = load_config(path, overrides or [], given_values(**options))
    command_log(context).use_workspace(config.workspace)
    return config
