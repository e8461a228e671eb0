"""Copy of a workspace for a dry run, which takes and assesses batches and leaves no trace."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.retraining.batch import FILE
from pipeline.retraining.deliveries.batch_store import UNFINISHED
from pipeline.retraining.ledger import Ledger
from pipeline.workspace import Workspace


@contextlib.contextmanager
def workspace_copy(workspace: Workspace) -> Iterator[Workspace]:
    """Make a temporary workspace with a copy of the ledger, and with links to all else.

    New batches are written to the copy alone.

    Args:
        workspace: Workspace to copy.
    """
    with tempfile.TemporaryDirectory(prefix="carryover-") as folder:
        copy = Workspace(Path(folder))
        copy.batches.mkdir()
        _link(workspace.batches, copy.batches, without=(UNFINISHED,))
        _link(workspace.root, copy.root, without=(workspace.batches.name, FILE, ".lock"))
        Ledger(workspace.root).copy_to(copy.root)
        yield copy


def _link(source: Path, target: Path, without: tuple[str, ...] = ()) -> None:
    for path in source.iterdir() if source.is_dir() else ():
        if path.name not in without:
            (target / path.name).symlink_to(path.resolve())
