"""The command that cleans a workspace. Modules that import slowly are imported in the function."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.command_options import DEFAULT_WORKSPACE, WorkspaceOption
from pipeline.commands.used_workspace import used_workspace
from trainer_module.contract.errors import InputError

if TYPE_CHECKING:
    from pipeline.workspace import Workspace

#: Number of versions and runs that stay where neither an option nor a config says it.
DEFAULT_KEEP = 5


def add_to(app: typer.Typer) -> None:
    """Add the command to the `carryover` command."""
    app.command()(clean)


def clean(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the only model to clean.  [all models]")
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep",
            metavar="N",
            help="Number of newest versions and runs to keep, at least 2.  [retention.keep, or 5]",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be removed; change nothing.")
    ] = False,
) -> None:
    """Remove old versions, runs, artifacts and logs that nothing needs any more.

    The copies of batches, exports, and pictures of clients stay. Exit codes: 0 done, 2 bad input,
    1 failure.
    """
    from pipeline.config.retention_options import MAX_KEEP, MIN_KEEP
    from pipeline.retention.cleaning import clean_workspace
    from pipeline.retention.cleaning_table import show_result
    from pipeline.retraining.pending_batches import read_pending
    from pipeline.version_lookup import find_store

    if keep is not None and keep < MIN_KEEP:
        raise InputError(
            f"--keep {keep}: at least {MIN_KEEP} versions stay, the serving version and the one "
            "that a rollback goes back to."
        )
    if keep is not None and keep > MAX_KEEP:
        raise InputError(f"--keep {keep}: it must be at most {MAX_KEEP}.")
    folder = used_workspace(workspace)
    if name is not None:
        find_store(folder.root, name)
    number = keep or _configured_keep(folder, name)
    pending = partial(read_pending, folder.root)
    result = clean_workspace(folder, number, pending, name, dry_run)
    show_result(result, folder, dry_run)


def _configured_keep(workspace: "Workspace", name: str | None) -> int:
    """Return the largest `retention.keep` of the configs of the serving versions' runs."""
    from pipeline.version_lookup import find_stores

    numbers = []
    for store in find_stores(workspace.root):
        serving = store.newest()
        if serving is not None and name in (None, store.name):
            try:
                config = workspace.read_config(store.read_push(serving).run_id)
            except InputError as error:
                text = f"{error} Or say how many versions to keep with --keep N."
                raise type(error)(text) from None
            numbers.append((config.get("retention") or {}).get("keep") or DEFAULT_KEEP)
    return max(numbers, default=DEFAULT_KEEP)
