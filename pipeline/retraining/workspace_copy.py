"""Copy of a workspace for a dry run, which takes and assesses batches and leaves no trace."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.retraining.batch import FILE
from pipeline.retraining.deliveries.batch_store import UNFINISHED
from pipeline.retraining.deliveries.left_alone_files import LEFT_ALONE
from pipeline.retraining.deliveries.process_deaths import DEATHS, ProcessDeaths
from pipeline.retraining.ledger import Ledger
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError


@contextlib.contextmanager
def workspace_copy(workspace: Workspace) -> Iterator[Workspace]:
    """Make a temporary workspace with a copy of the ledger, and with links to all else.

    New batches are written to the copy alone.

    Args:
        workspace: Workspace to copy.

    Raises:
        InputError: The block has raised it; files of the copy have their names in the workspace.
    """
    with tempfile.TemporaryDirectory(prefix="carryover-") as folder:
        copy = Workspace(Path(folder))
        copy.batches.mkdir()
        _link(workspace.batches, copy.batches, without=(UNFINISHED, DEATHS, LEFT_ALONE))
        ProcessDeaths(workspace.batches).copy_to(copy.batches)
        _link(workspace.root, copy.root, without=(workspace.batches.name, FILE, ".lock"))
        Ledger(workspace.root).copy_to(copy.root)
        try:
            yield copy
        except InputError as error:  # it names files of the copy, which is removed
            text = str(error).replace(str(copy.root), str(workspace.root))
            raise type(error)(text) from error


def _link(source: Path, target: Path, without: tuple[str, ...] = ()) -> None:
    for path in source.iterdir() if source.is_dir() else ():
        if path.name not in without:
            (target / path.name).symlink_to(path.resolve())
