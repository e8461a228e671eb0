"""Commands that write a log, see `pipeline.logs.command_log`."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from pipeline.command_options import STORE_URI, given_values
from pipeline.commands.exit_codes import EXIT_INTERRUPTED
from pipeline.commands.interpreter_check import check_interpreter
from pipeline.commands.tensorflow_settings import check_tensorflow_settings
from pipeline.logs.command_log import command_log
from pipeline.object_store.copy_origin import check_no_working_copy
from pipeline.object_store.store_access import is_store_uri
from pipeline.terminal.plain_lines import print_line
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import expand_home
from trainer_module.contract.workspace_files.lock_holder import name_command

if TYPE_CHECKING:
    from pipeline.config.run_config import RunConfig


class LoggedCommand(TyperCommand):
    """A command that begins its log before it runs, and says so when it is interrupted."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words after the name of the command; an empty path is an `InputError`.

        `-w "$UNSET"` and `label "$UNSET"` would otherwise be the working directory. A `~` at the
        start of a path is the home folder: no shell expands it in `--workspace=~/models`.
        """
        words = list(args)
        rest = super().parse_args(ctx, args)
        texts, _, _ = self.make_parser(ctx).parse_args(args=words)
        for param in self.params:
            text = texts.get(param.name)
            if param.name == "workspace" and isinstance(text, str) and is_store_uri(text):
                ctx.meta[STORE_URI] = text
                continue
            if not _holds_path(ctx.params.get(param.name)):
                continue
            if _has_empty(text):
                is_argument = param.param_type_name == "argument"
                name = str(param.metavar) if is_argument else max(param.opts, key=len)
                name = name.strip("[].")
                raise InputError(f"{name} has an empty value. Give a path, or leave it out.")
            ctx.params[param.name] = _with_home(text, ctx.params[param.name])
        return rest

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first paragraph of the help, for the list of commands; Click would cut it."""
        return " ".join((self.help or "").split("\n\n")[0].split())

    # Typer has had its own class of contexts since 0.29, and Click's before.
    def invoke(self, ctx: Any) -> Any:
        """Begin the log, in the workspace if the command line names one, and run the command."""
        log = command_log(ctx)
        log.start(ctx.info_name or "carryover", sys.argv[1:])
        name_command(ctx.info_name or "")
        try:
            with _workspace(ctx) as workspace:
                if workspace:
                    log.use_workspace(workspace)
                    ctx.params["workspace"] = workspace
                check_interpreter()
                check_tensorflow_settings(ctx.info_name or "")
                return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:  # its arguments say what to do next
            sentences = ("carryover: interrupted.", *map(str, interrupt.args))
            print_line(" ".join(sentences), to_stderr=True)
            raise typer.Exit(EXIT_INTERRUPTED) from None


@contextlib.contextmanager
def _workspace(ctx: Any) -> Iterator[Path | None]:
    """Yield the workspace that the command line names, or the working copy of one in a store."""
    workspace, command = ctx.params.get("workspace"), ctx.info_name or ""
    if uri := ctx.meta.get(STORE_URI):
        from pipeline.object_store.store_commands import stored_workspace

        is_dry_run = bool(ctx.params.get("dry_run"))
        with stored_workspace(uri, command, is_dry_run) as folder:
            yield folder
        return
    if workspace:
        check_no_working_copy(workspace)
    yield workspace


def _holds_path(value: Any) -> bool:
    """Return whether the value of a parameter is a path, or several."""
    values = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(one, Path) for one in values)


def _has_empty(text: Any) -> bool:
    """Return whether one of a parameter's texts on the command line is empty."""
    texts = text if isinstance(text, list | tuple) else [text]
    return any(isinstance(one, str) and not one.strip() for one in texts)


def _with_home(text: Any, value: Any) -> Any:
    """Return the value of a parameter that holds paths, with `~` replaced by the home folder.

    Args:
        text: Text of the parameter on the command line, or several; a `Path` would not tell `~`
            from `./~`. Anything else for a parameter that was not given.
        value: Value that the text was parsed to.
    """
    if isinstance(text, str):
        return Path(expand_home(text))
    if isinstance(text, list | tuple) and text:
        return [Path(expand_home(one)) for one in text]
    return value


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
