"""The newest batches of a workspace and their outcomes. The ledger is opened read-only."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from pipeline.retraining.batch import FILE, Batch, batch_of_row, check_ledger, explain_error
from trainer_module.contract.errors import UnavailableError

#: Seconds to wait for a retraining that is writing to the ledger.
LOCK_SECONDS = 2

_REMEDY = "Update carryover, or restore the file from a backup."


class RecentBatches(NamedTuple):
    """Newest batches of a ledger.

    Attributes:
        batches: Batches, the newest first.
        total: Number of all batches in the ledger.
        names: Names of all batches in the ledger.
    """

    batches: list[Batch]
    total: int
    names: frozenset[str] = frozenset()


def read_recent_batches(workspace: Path, count: int) -> RecentBatches:
    """Read the newest batches; none where the workspace has no ledger.

    Args:
        workspace: Folder of the workspace.
        count: Most batches to return.

    Raises:
        InputError: The ledger is damaged, or cannot be read.
    """
    path = workspace / FILE
    if not check_ledger(path):
        return RecentBatches([], 0)
    try:
        with _open_read_only(path) as connection:
            (total,) = connection.execute("select count(*) from batches").fetchone()
            query = "select * from batches order by number desc limit ?"
            batches = [batch_of_row(row) for row in _rows(connection, query, count)]
            names = _rows(connection, "select distinct name from batches")
            return RecentBatches(batches, total, frozenset(name for (name,) in names))
    except (sqlite3.Error, LookupError, TypeError) as error:
        explained = explain_error(error, path) if isinstance(error, sqlite3.Error) else None
        raise explained or UnavailableError(
            f"ledger {path} cannot be read: {error}. {_REMEDY}"
        ) from None


def _rows(connection: sqlite3.Connection, query: str, *values: Any) -> Iterator[sqlite3.Row]:
    yield from connection.execute(query, values)


@contextlib.contextmanager
def _open_read_only(path: Path) -> Iterator[sqlite3.Connection]:
    address = f"file:{quote(bytes(path))}?mode=ro"
    connection = sqlite3.connect(address, timeout=LOCK_SECONDS, uri=True)
    connection.row_factory = sqlite3.Row
    try:
        yield connection
    finally:
        connection.close()
