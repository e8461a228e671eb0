"""The command `carryover monitor`. Modules that import slowly are imported inside the function."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.command_options import DEFAULT_WORKSPACE, NameOption
from pipeline.logs.command_log import command_log
from pipeline.tensorflow_import import import_tensorflow_quietly
from pipeline.terminal.plain_lines import print_line
from trainer_module.contract.errors import InputError

if TYPE_CHECKING:
    from pipeline.monitoring.traffic_report import TrafficReport

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="Workspace of the serving model.")
]

#: Exit code if something needs attention.
EXIT_UNUSUAL = 3


def add_to(app: typer.Typer) -> None:
    """Add the command to the `carryover` command.

    Args:
        app: The command.
    """
    app.command()(monitor)


def monitor(
    context: typer.Context,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    name: NameOption = None,
    hours: Annotated[
        float,
        typer.Option(
            "--hours", min=0.01, max=10_000, help="Age of the oldest picture in the table."
        ),
    ] = 24.0,
    deliver: Annotated[
        Path | None,
        typer.Option(
            "--deliver", metavar="INBOX", help="Inbox to put unusual pictures into, as a batch."
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print a line of JSON; other output goes to stderr.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep running, and look again and again.")
    ] = False,
    every: Annotated[
        float,
        typer.Option(
            "--every", metavar="SECONDS", min=1, max=86_400, help="Time between looks of --watch."
        ),
    ] = 300.0,
) -> None:
    """Compare the pictures that the server collects with those that the serving model knows.

    Exit codes: 0 nothing unusual, 3 something needs attention, 2 bad input, 1 failure.
    """
    _check_inbox(deliver)
    if watch:
        _keep_looking(context, workspace, name, hours, deliver, json, every)
        return
    import_tensorflow_quietly()
    from pipeline.monitoring.monitor_pass import MonitorPass
    from pipeline.retraining.notices import Notices, reserve_stdout
    from pipeline.retraining.retraining_commands import read_config

    stream = reserve_stdout() if json else None
    notices = Notices()
    one = MonitorPass.prepare(workspace, name, hours, deliver, notices)
    notices.command = read_config(workspace, name, None, [], deliver).notify.command
    report = one.run()
    if stream:
        from pipeline.terminal.plain_lines import json_line

        print(json_line(report.to_json()), file=stream, flush=True)
    else:
        _show(report, workspace)
    raise typer.Exit(EXIT_UNUSUAL if report.is_unusual else 0)


def _check_inbox(inbox: Path | None) -> None:
    from pipeline.config.path_check import folder_problem

    if inbox is not None and (problem := folder_problem(inbox)):
        raise InputError(
            f"--deliver {inbox} {problem}. Give the folder in which batches arrive, the --inbox of "
            "carryover watch."
        )


def _keep_looking(
    context: typer.Context,
    workspace: Path,
    name: str | None,
    hours: float,
    deliver: Path | None,
    json: bool,
    every: float,
) -> None:
    """Look in a process of its own each time, see `inbox_watcher`."""
    from pipeline.monitoring.monitor_watch import watch_traffic

    log = command_log(context)
    arguments = ["--debug"] if log.debug else []
    arguments += ["--log-file", str(log.file)] if log.file else []
    arguments += ["monitor", "--workspace", str(workspace), "--hours", str(hours)]
    arguments += ["--name", name] if name else []
    arguments += ["--deliver", str(deliver)] if deliver else []
    arguments += ["--json"] if json else []
    watch_traffic(arguments, every)


def _show(report: "TrafficReport", workspace: Path) -> None:
    from pipeline.monitoring.traffic_table import show_report

    if not report.domains:
        print_line(
            f"No traffic of {report.model} {report.version} was collected yet. Collect it with: "
            f"carryover serve --workspace {shlex.quote(str(workspace))} --sample-requests 0.1"
        )
        return
    show_report(report)
