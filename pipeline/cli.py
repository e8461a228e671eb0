"""The `carryover` command. Modules that import slowly are imported inside the functions."""
# ruff: noqa: E402 (our other modules are imported after the check that they are ours)

import platform
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from carryover_command import check_packages

# Also where this module is run without `carryover_command.main`, as child processes do.
check_packages("pipeline", "components", "trainer_module")

from pipeline.command_options import DEFAULT_WORKSPACE, WorkspaceOption
from pipeline.commands import (
    clean_command,
    forget_command,
    label_command,
    manifest_command,
    model_commands,
    publishing_commands,
    training_commands,
)
from pipeline.commands.error_line import error_line
from pipeline.commands.exit_codes import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILURE
from pipeline.commands.logged_command import LoggedCommand
from pipeline.commands.usage_error import usage_error_line
from pipeline.kubeflow import kubeflow_commands
from pipeline.logs.command_log import CommandLog, command_log
from pipeline.logs.warnings_log import log_warnings
from pipeline.monitoring import monitor_command
from pipeline.retraining import retraining_commands
from pipeline.running.run_failure import RunFailedError
from pipeline.selecting import selecting_commands
from pipeline.terminal.plain_lines import print_line
from pipeline.terminal.standard_streams import prepare_streams
from trainer_module.compat.tensorflow_internals import keep_functions
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import expand_home

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rich takes longer to import than the rest of --help
    help="Train, evaluate and serve image classifiers that work in every domain.",
)


def _print_version(wanted: bool) -> None:
    """Print the versions of the package and of the libraries, and end the command."""
    if not wanted:
        return
    from pipeline.installed_versions import LIBRARIES, PACKAGE, installed_version

    print_line(f"{PACKAGE} {installed_version(PACKAGE) or '(not installed)'}")
    print_line(f"python {platform.python_version()}")
    for name in LIBRARIES:
        print_line(f"{name} {installed_version(name) or '(not installed)'}")
    raise typer.Exit


def _use_log_file(context: typer.Context, log_file: Path | None) -> Path | None:
    """Write the log to the file that the user has named, also if the rest names no command."""
    if log_file:
        log_file = Path(expand_home(str(log_file)))
        try:
            command_log(context).use_file(log_file)
        except OSError as error:
            raise InputError(
                f"--log-file {log_file}: {error.strerror}. Name a file that can be written."
            ) from None
    return log_file


@app.callback()
def global_options(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the versions of carryover and of its libraries, and exit.",
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Print the traceback of an error, too.")
    ] = False,
    log_file: Annotated[
        Path | None,
        typer.Option(
            "--log-file",
            callback=_use_log_file,
            help="File to append the log of the command to.  [<workspace>/logs/<command>.log]",
        ),
    ] = None,
) -> None:
    """Options of every command; they are given before its name."""
    command_log(context).debug = debug


training_commands.add_to(app)
manifest_command.add_to(app)
model_commands.add_to(app)
publishing_commands.add_to(app)
clean_command.add_to(app)
forget_command.add_to(app)
label_command.add_to(app)
retraining_commands.add_to(app)
selecting_commands.add_to(app)
monitor_command.add_to(app)
kubeflow_commands.add_to(app)


@app.command()
def doctor(workspace: WorkspaceOption = DEFAULT_WORKSPACE) -> None:
    """Check the installation, the hardware and the workspace.

    Exit codes: 0 a run can work here, 1 it cannot.
    """
    from pipeline.doctor import examine

    raise typer.Exit(examine(workspace))


for _command in app.registered_commands:
    _command.cls = LoggedCommand


def main() -> None:
    """Run the command.

    An error is one line on stderr, with exit code 2 for bad input and 1 otherwise. For a failure,
    a second line names the log.
    """
    prepare_streams()
    log = CommandLog()
    log_warnings(log)
    try:
        # In its standalone mode, the app prints usage errors in several lines.
        sys.exit(app(obj=log, prog_name="carryover", standalone_mode=False) or EXIT_DONE)
    except SystemExit as end:
        log.finish(end.code if isinstance(end.code, int) else EXIT_FAILURE)
        raise
    except Exception as error:
        if line := usage_error_line(error):
            _refuse(error, line, log)
        log.write_error(error)
        code = EXIT_BAD_INPUT if isinstance(error, InputError) else EXIT_FAILURE
        log.finish(code)
        line = error_line(error, log.workspace)
        _fail(line, code, None if code == EXIT_BAD_INPUT else _log_with(error, log))
    finally:
        keep_functions()


def _refuse(error: Any, line: str, log: CommandLog) -> NoReturn:
    """Print what is wrong with a command line, or the help where there is none, and exit."""
    log.refuse(sys.argv[1:], line)
    log.finish(EXIT_BAD_INPUT)
    if not sys.argv[1:]:
        error.show()
        sys.exit(EXIT_BAD_INPUT)
    _fail(line, EXIT_BAD_INPUT)


def _log_with(error: Exception, log: CommandLog) -> Path | None:
    """Return the log that tells most about an error: a run has a log of its own."""
    return error.log if isinstance(error, RunFailedError) else log.path


def _fail(message: str, code: int, log: Path | None = None) -> NoReturn:
    """Print a message and the path of a log, and exit."""
    print_line(f"carryover: {message}", to_stderr=True)
    if log:
        print_line(f"log: {log}", to_stderr=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
