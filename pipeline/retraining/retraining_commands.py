"""The commands of retraining. Nothing heavy is imported before it is needed."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.command_options import NameOption, SetOption

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="Folder of the model that serves.")
]
InboxOption = Annotated[
    Path | None, typer.Option("--inbox", help="Folder in which batches arrive.")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="YAML file; left out: that of the last run.")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="A line of JSON per event on stdout, all else on stderr.")
]

DEFAULT = Path("workspace")


def add_to(app: typer.Typer) -> None:
    """Add the commands of retraining to the `carryover` command."""
    for command in (retrain, watch, history, accept):
        app.command()(command)


def retrain(
    workspace: WorkspaceOption = DEFAULT,
    inbox: InboxOption = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    name: NameOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and why, and do nothing.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Take new batches of pictures, train on those that need it, and push what passes the gate.

    One pass, for cron or a timer. Exit codes: 0 done, 3 a candidate was rejected, 2 bad input,
    1 failure.
    """
    from rich.console import Console

    from pipeline.retraining.judging import preview
    from pipeline.retraining.notices import Notices, separate_stream
    from pipeline.retraining.retraining_pass import retrain as run_pass
    from pipeline.retraining.retraining_pass import retrain_config

    stream = separate_stream() if json else None
    loaded = retrain_config(workspace, name, config, overrides or [], inbox)
    if dry_run:
        preview(loaded, Console())
        return
    raise typer.Exit(run_pass(loaded, Notices(stream, loaded.notify.command)))


def watch(
    workspace: WorkspaceOption = DEFAULT,
    inbox: InboxOption = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    name: NameOption = None,
    json: JsonOption = False,
) -> None:
    """Stay up, and do what `carryover retrain` does whenever something arrives.

    SIGTERM and Ctrl-C end it; work that is not done then goes on at the next start.
    """
    from pipeline.retraining.retraining_pass import retrain_config
    from pipeline.retraining.watching import watch_inbox

    overrides = overrides or []
    options = retrain_config(workspace, name, config, overrides, inbox).retrain
    given = {"--workspace": workspace, "--inbox": inbox, "--config": config, "--name": name}
    arguments = [part for key, value in given.items() if value for part in (key, str(value))]
    arguments += [part for pair in overrides for part in ("--set", pair)]
    watch_inbox([*arguments, *(["--json"] if json else [])], options)


def history(workspace: WorkspaceOption = DEFAULT) -> None:
    """List every batch that arrived, and what became of it."""
    from rich.console import Console

    from pipeline.retraining.ledger import read_entries
    from pipeline.retraining.ledger_table import show_history

    show_history(read_entries(workspace.resolve()), Console())


def accept(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run that was rejected.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with the version.")],
    workspace: WorkspaceOption = DEFAULT,
) -> None:
    """Push the model of a run that the gate rejected."""
    from pipeline.retraining.acceptance import accept as push

    version = push(workspace, run_id, reason)
    typer.echo(f"pushed version {version} of run {run_id}, accepted: {reason}")
