"""Commands that write a log, see `pipeline.logs.command_log`."""

import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from pipeline.command_options import given_values
from pipeline.commands.exit_codes import EXIT_INTERRUPTED
from pipeline.commands.interpreter_check import check_interpreter
from pipeline.commands.tensorflow_settings import check_tensorflow_settings
from pipeline.logs.command_log import command_log
from pipeline.terminal.plain_lines import print_line
from trainer_module.contract.errors import InputError

if TYPE_CHECKING:
    from pipeline.config.run_config import RunConfig

#: Options with a path, for which Typer takes an empty value as the working directory.
PATH_OPTIONS = frozenset(
    {"--classes-from", "--config", "--inbox", "--output", "--workspace", "-c", "-o", "-w"}
)


class LoggedCommand(TyperCommand):
    """A command that begins its log before it runs, and says so when it is interrupted."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words after the name of the command; an empty path is an `InputError`.

        `-w "$UNSET"` would otherwise be the working directory.
        """
        for option, value in pairwise([*args, "."]):
            name, equals, text = option.partition("=")
            if name in PATH_OPTIONS and not (text if equals else value).strip():
                raise InputError(f"{name} has an empty value. Give a path, or leave it out.")
        return super().parse_args(ctx, args)

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first paragraph of the help, for the list of commands; Click would cut it."""
        return " ".join((self.help or "").split("\n\n")[0].split())

    # Typer has had its own class of contexts since 0.29, and Click's before.
    def invoke(self, ctx: Any) -> Any:
        """Begin the log, in the workspace if the command line names one, and run the command."""
        log = command_log(ctx)
        log.start(ctx.info_name or "carryover", sys.argv[1:])
        workspace = ctx.params.get("workspace")
        if workspace:
            log.use_workspace(workspace)
        check_interpreter()
        check_tensorflow_settings(ctx.info_name or "")
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print_line("carryover: interrupted.", to_stderr=True)
            raise typer.Exit(EXIT_INTERRUPTED) from None


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
