"""The commands of retraining. Modules that import slowly are imported inside the functions."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.command_options import STORE_URI, NameOption, SetOption
from pipeline.logs.command_log import command_log
from pipeline.terminal.plain_lines import print_line
from trainer_module.contract.errors import InputError

if TYPE_CHECKING:
    from pipeline.config.run_config import RunConfig

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="Workspace of the serving model.")
]
InboxOption = Annotated[
    Path | None, typer.Option("--inbox", help="Folder in which batches arrive.")
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", help="YAML file; by default the config of the serving version's run."
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option("--json", help="Print a line of JSON per event; other output goes to stderr."),
]

DEFAULT_WORKSPACE = Path("workspace")


def add_to(app: typer.Typer) -> None:
    """Add the commands of retraining to the `carryover` command.

    Args:
        app: The command.
    """
    for command in (retrain, watch, history, accept):
        app.command()(command)


def retrain(
    context: typer.Context,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    inbox: InboxOption = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    name: NameOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the decision on every batch; change nothing.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print nothing where there is nothing to do.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Run one pass over the inbox: train on new batches that need it, and push blessed models.

    For cron or a timer. Exit codes: 0 done, 3 a candidate was rejected, 4 one awaits labels,
    2 bad input, 1 failure.

    A batch that failed or is held is tried again when a file of it is changed or touched.
    """
    from pipeline.retraining.ledger import read_batches
    from pipeline.retraining.notices import Notices, reserve_stdout
    from pipeline.retraining.pass_cleaning import clean_after
    from pipeline.retraining.retraining_pass import RetrainingPass

    notices, log = Notices(reserve_stdout() if json else None), command_log(context)
    with notices.tell_failure():
        check_named_workspace(context, workspace, config, overrides or [])
        loaded = read_config(workspace, name, config, overrides or [], inbox)
        dropped = _describe_dropped(loaded) if config is None else ""
        if dropped and not quiet:
            print_line(f"carryover: {dropped}", to_stderr=True)
        before = read_batches(loaded.workspace) if dropped and quiet else []
        notices.command = loaded.notify.command
        retraining_pass = RetrainingPass(loaded, notices, command_log=log)
        if dry_run:
            notices.command = ()
            retraining_pass.preview()
            return
        try:
            code = retraining_pass.run(quiet)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("The next pass resumes what this one has begun.") from None
        if dropped and quiet and read_batches(loaded.workspace) != before:
            print_line(f"carryover: {dropped}", to_stderr=True)
    clean_after(loaded, log)
    raise typer.Exit(code)


def watch(
    context: typer.Context,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    inbox: InboxOption = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    name: NameOption = None,
    json: JsonOption = False,
) -> None:
    """Keep running, and do what `carryover retrain` does whenever a batch arrives.

    SIGTERM and Ctrl-C stop it; the next start resumes unfinished work.
    """
    from pipeline.retraining.inbox_watcher import watch_inbox

    overrides = overrides or []
    check_named_workspace(context, workspace, config, overrides)
    options = read_config(workspace, name, config, overrides, inbox).retrain
    log = command_log(context)
    arguments = ["--debug"] if log.debug else []
    arguments += ["--log-file", str(log.file)] if log.file else []
    place = context.meta.get(STORE_URI, workspace)
    given = {"--workspace": place, "--inbox": inbox, "--config": config, "--name": name}
    arguments += ["retrain", *(["--json"] if json else [])]
    arguments += [part for key, value in given.items() if value for part in (key, str(value))]
    arguments += [part for pair in overrides for part in ("--set", pair)]
    watch_inbox(arguments, options)


def history(workspace: WorkspaceOption = DEFAULT_WORKSPACE) -> None:
    """List every batch and its outcome, and the commands that accept the newest of them."""
    from pipeline.config.path_check import folder_problem
    from pipeline.retraining.ledger import read_batches
    from pipeline.retraining.ledger_table import next_steps, show_ledger
    from pipeline.terminal.safe_console import SafeConsole
    from pipeline.version_lookup import find_rollbacks

    if problem := folder_problem(workspace):
        raise InputError(
            f"workspace {workspace} {problem}. Give the folder of one with --workspace DIR."
        )
    root = workspace.resolve()
    batches = read_batches(root)
    rollbacks = find_rollbacks(root, [(batch.digest, batch.version) for batch in batches])
    show_ledger(batches, SafeConsole(), rollbacks)
    for line in next_steps(batches, root, rollbacks):
        print_line(line)


def accept(
    reason: Annotated[
        str, typer.Option("--reason", help="Reason; it is kept with the version and the batch.")
    ],
    run_id: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="Id of a run that was rejected or awaits labels."),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option("--batch", metavar="NAME", help="Batch that is held for its labels."),
    ] = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
) -> None:
    """Push the candidate of a run that was rejected or awaits labels, or accept held labels.

    The next pass takes an accepted batch without the check of its labels.
    """
    from pipeline.publishing.publish_at_end import publish_change
    from pipeline.report.run_report import renew_report
    from pipeline.retraining.acceptance import accept_batch, accept_candidate
    from pipeline.retraining.batch_model import find_model
    from pipeline.retraining.ledger import read_batches
    from pipeline.retraining.unlabelled.label_commands import retrain_command
    from pipeline.workspace import Workspace

    if batch is not None and run_id is None:
        accepted, root = accept_batch(workspace, batch, reason), workspace.resolve()
        name = find_model(accepted, read_batches(root), root)
        print_line(
            f"Accepted the labels of batch {accepted.number}, {batch}: {reason}. The next pass "
            f"takes it: {retrain_command(accepted.source, root, name)}"
        )
        return
    if run_id is None or batch is not None:
        raise InputError("give either RUN or --batch NAME.")
    version = accept_candidate(workspace, run_id, reason)
    print_line(f"Pushed version {version} of run {run_id}, accepted: {reason}")
    folder = Workspace(workspace.resolve())
    if not renew_report(folder, run_id):
        log = folder.log(run_id)
        print_line(f"Its report still calls it rejected: writing it failed, see {log}.")
    publish_change(folder.root, str(folder.read_config(run_id).get("name")))


def check_named_workspace(
    context: typer.Context,
    workspace: Path,
    path: Path | None,
    overrides: list[str],
    defaults: dict[str, str] | None = None,
) -> None:
    """Refuse a config that names another workspace than the one that is used by default.

    Args:
        context: Context of the command, with an option `workspace`.
        workspace: Workspace that is used.
        path: YAML file; None if none is given.
        overrides: `key=value` texts; they win over the file.
        defaults: See `load_config`.

    Raises:
        InputError: `--workspace` is not given, and the config names another workspace, or is
            invalid.
    """
    from pipeline.config.config_file import load_config

    source = context.get_parameter_source("workspace")
    if path is None or source is None or source.name != "DEFAULT":
        return
    named = load_config(path, overrides, defaults=defaults).workspace.resolve()
    if named != workspace.resolve():
        raise InputError(
            f"config file {path} names the workspace {named}, and without --workspace this command "
            f"uses {workspace.resolve()}. Give --workspace {shlex.quote(str(named))}."
        )


def read_config(
    workspace: Path,
    name: str | None,
    path: Path | None,
    overrides: list[str],
    inbox: Path | None,
    defaults: dict[str, str] | None = None,
) -> "RunConfig":
    """Read the configuration of retraining, by default that of the run of the serving version.

    What `--set` changed for that run alone is not inherited, see `stored_config`.

    Args:
        workspace: Workspace of the serving model.
        name: Name of the model; needed where there are several.
        path: YAML file to read in place of the configuration of that run.
        overrides: `key=value` texts; they win over the file.
        inbox: Folder in which batches arrive; it wins over `retrain.inbox`.
        defaults: See `load_config`.

    Raises:
        InputError: There is no serving version, or the configuration is missing or invalid.
    """
    from pipeline.config.config_file import load_config
    from pipeline.config.path_check import check_inbox, check_workspace
    from pipeline.version_lookup import find_store, serving_version
    from pipeline.workspace import Workspace

    store = find_store(workspace, name)
    check_workspace(store.root)
    version = serving_version(store)
    if is_inherited := path is None:
        run_id, stored = store.read_push(version).run_id, Workspace(store.root)
        stored.read_config(run_id)  # a file that was cut off may hold valid YAML
        path = stored.config_file(run_id)
    values = {"workspace": store.root, "name": store.name}
    given = values | ({"retrain.inbox": inbox.resolve()} if inbox else {})
    loaded = load_config(path, overrides, given, is_inherited, defaults).resolved()
    check_inbox(loaded)
    return loaded


def _describe_dropped(config: "RunConfig") -> str:
    """Return what the config of the serving version's run had by `--set`, and this one has not."""
    from pipeline.config.stored_config import describe_dropped
    from pipeline.version_lookup import find_store, serving_version
    from pipeline.workspace import Workspace

    store = find_store(config.workspace, config.name)
    run_id = store.read_push(serving_version(store)).run_id
    return describe_dropped(Workspace(config.workspace).config_file(run_id), config)
