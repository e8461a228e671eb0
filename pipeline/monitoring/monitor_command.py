"""The command `carryover monitor`. Modules that import slowly are imported inside the function."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.command_options import DEFAULT_WORKSPACE, NameOption, SetOption
from pipeline.logs.command_log import command_log
from pipeline.retraining.retraining_commands import (
    ConfigOption,
    WorkspaceOption,
    check_named_workspace,
    read_config,
)
from pipeline.tensorflow_import import import_tensorflow_quietly
from pipeline.terminal.plain_lines import print_line
from trainer_module.contract.errors import InputError

if TYPE_CHECKING:
    from pipeline.monitoring.traffic_report import TrafficReport

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
    config: ConfigOption = None,
    overrides: SetOption = None,
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

    Of the config, `notify` counts. Exit codes: 0 nothing unusual, 3 something needs attention, 2
    bad input, or an inbox that cannot be written, 1 failure.
    """
    # The only key without a default. Nothing is read of it: a config with `notify` is enough.
    defaults = {"data": str(workspace.resolve())}
    check_named_workspace(context, workspace, config, overrides or [], defaults)
    if watch:
        if config or overrides:  # an error in them ends the command, and not every look
            read_config(workspace, name, config, overrides or [], deliver, defaults)
        given: dict[str, Any] = {"--workspace": workspace, "--name": name, "--config": config}
        given |= {"--hours": hours, "--deliver": deliver}
        _keep_looking(context, given, overrides or [], json, every)
        return
    import_tensorflow_quietly()
    from pipeline.monitoring.monitor_pass import MonitorPass
    from pipeline.retraining.notices import Notices, reserve_stdout

    stream = reserve_stdout() if json else None
    loaded = read_config(workspace, name, config, overrides or [], deliver, defaults)
    notices = Notices(command=loaded.notify.command)
    report = MonitorPass.prepare(workspace, name, hours, deliver, notices).run()
    if stream:
        from pipeline.terminal.plain_lines import json_line

        print(json_line(report.to_json()), file=stream, flush=True)
    else:
        _show(report, workspace)
    _check_delivery(report, deliver)
    raise typer.Exit(EXIT_UNUSUAL if report.is_unusual else 0)


def _check_delivery(report: "TrafficReport", inbox: Path | None) -> None:
    """End with the fault of the inbox, after all else is told: it must not hide an alarm."""
    from pipeline.monitoring.unusual_batch import check_inbox

    if report.faults:
        raise InputError(" ".join(report.faults))
    if inbox is not None:
        check_inbox(inbox)


def _keep_looking(
    context: typer.Context,
    given: dict[str, Any],
    overrides: list[str],
    json: bool,
    every: float,
) -> None:
    """Look in a process of its own each time, see `inbox_watcher`.

    Args:
        context: Context of the command.
        given: Values of options that a look gets as they are; None for those that are not given.
        overrides: Values of `--set`.
        json: Whether a look prints JSON.
        every: Seconds between looks.
    """
    from pipeline.monitoring.monitor_watch import watch_traffic

    log = command_log(context)
    arguments = ["--debug"] if log.debug else []
    arguments += ["--log-file", str(log.file)] if log.file else []
    arguments += ["monitor", *(["--json"] if json else [])]
    arguments += [part for key, value in given.items() if value for part in (key, str(value))]
    arguments += [part for pair in overrides for part in ("--set", pair)]
    watch_traffic(arguments, every)


def _show(report: "TrafficReport", workspace: Path) -> None:
    from pipeline.monitoring.traffic_table import show_report
    from pipeline.traffic.traffic_files import list_files
    from pipeline.traffic.traffic_store import traffic_folder

    for batch in report.finished:
        print_line(f"Delivered: {batch}")
    if report.domains:
        show_report(report)
        return
    text = f"No traffic of {report.model} {report.version} was collected yet"
    if list_files(traffic_folder(workspace.resolve())):
        print_line(
            f"{text}; what there is comes from other models or versions, or from the last seconds."
        )
    else:
        serve = f"carryover serve --workspace {shlex.quote(str(workspace))} --sample-requests 0.1"
        print_line(f"{text}. Collect it with: {serve}")
