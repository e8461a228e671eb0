"""Ledger of a workspace: every batch and its outcome, in a SQLite database."""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from trainer_module.contract.errors import InputError

BatchState = Literal[
    "taken",
    "pushed",
    "rejected",
    "good_enough",
    "too_little_data",
    "held",
    "failed",
    "duplicate",
    "replaced",
]

#: Name of the database in the workspace.
FILE = "ledger.sqlite"

#: Version of the table, SQLite's `user_version`. Ledgers from before versions have 0, and the same
#: table as version 1. Whoever changes the table raises the version and extends `_upgrade`.
SCHEMA_VERSION = 1

#: State of a batch whose outcome is open. All other states are final.
OPEN: BatchState = "taken"

#: States of batches whose pictures are kept for the next training.
WAITING: tuple[BatchState, ...] = ("good_enough", "too_little_data")

_TABLE = """
create table if not exists batches (
    number integer primary key,
    name text not null,
    source text not null,
    digest text not null,
    stamp text not null,
    taken_at text not null,
    state text not null,
    reason text not null default '',
    numbers text not null default '{}',
    run_id text,
    version integer,
    attempts integer not null default 0,
    finished_at text,
    replaced_by integer
)
"""


@dataclass(frozen=True)
class Batch:
    """A batch: one row of the ledger.

    Attributes:
        number: Number in the order of arrival, from 1.
        name: Name of the delivery in the inbox.
        source: Path of the delivery.
        digest: Digest of the content. It is the name of the batch's folder in the batch store.
        stamp: Digest of names, sizes and times of the delivery, see `inbox.file_stamp`.
        taken_at: Time of arrival, ISO 8601 in UTC.
        state: State, see `BatchState`.
        reason: Reason for the state, a text for people.
        numbers: Assessment by domain, see `assessment.BatchAssessment.numbers`.
        run_id: Id of its last run; None without a run.
        version: Version that was pushed for it; None without one.
        attempts: Number of failed runs.
        finished_at: Time of its final state; None while it is open.
        replaced_by: Number of a later batch of the same name that replaces this one.

    A column that is added later has a default: a read-only ledger from before lacks the column.
    """

    number: int
    name: str
    source: str
    digest: str
    stamp: str
    taken_at: str
    state: BatchState
    reason: str
    numbers: dict[str, Any]
    run_id: str | None
    version: int | None
    attempts: int
    finished_at: str | None
    replaced_by: int | None = None


class Ledger:
    """The batches of a workspace. Every change is on disk when its call returns."""

    def __init__(self, workspace: Path) -> None:
        """Open the ledger of a workspace; create it, or upgrade its schema, where necessary.

        Args:
            workspace: Folder of the workspace.

        Raises:
            InputError: A newer version of carryover has written the ledger.
        """
        self._path = workspace / FILE
        with self._transaction() as connection:
            _upgrade(connection, self._path)

    def batches(self) -> list[Batch]:
        """Return all batches in the order of arrival."""
        with self._transaction() as connection:
            rows = connection.execute("select * from batches order by number").fetchall()
        return [_batch(row) for row in rows]

    def contains(self, name: str, stamp: str) -> bool:
        """Return whether a delivery of this name and this stamp is in the ledger."""
        return any(batch.name == name and batch.stamp == stamp for batch in self.batches())

    def add(self, name: str, source: str, digest: str, stamp: str) -> Batch | None:
        """Add a delivery as a batch.

        It replaces earlier batches of the same name. If its content is that of an earlier batch
        that is not replaced, it is added as a duplicate, and its state is final.

        Args:
            name: Name of the delivery.
            source: Path of the delivery.
            digest: Digest of its content.
            stamp: Stamp of its files.

        Returns:
            The batch. None if a batch of this name and content is in the ledger: then only the
            times of files differ, and the stamp of that batch is updated.
        """
        current = [batch for batch in self.batches() if batch.replaced_by is None]
        same = [batch for batch in current if batch.digest == digest and batch.state != "duplicate"]
        if same and same[0].name == name:
            self.update(same[0].number, stamp=stamp)
            return None
        with self._transaction() as connection:
            values: dict[str, Any] = {"name": name, "source": source, "digest": digest}
            values |= {"stamp": stamp, "taken_at": _now(), "state": OPEN}
            if same:
                reason = f"the same pictures arrived as batch {same[0].number}, {same[0].name}"
                values |= {"state": "duplicate", "reason": reason, "finished_at": _now()}
            number = _insert(connection, values)
            if not same:
                _replace_earlier(connection, name, number)
        return self.read(number)

    def read(self, number: int) -> Batch:
        """Return one batch."""
        with self._transaction() as connection:
            row = connection.execute("select * from batches where number = ?", (number,)).fetchone()
        return _batch(row)

    def update(self, number: int, **columns: Any) -> Batch:
        """Set columns of a batch.

        Args:
            number: Number of the batch.
            columns: Values by column, see `Batch`.

        Returns:
            The batch after the change.
        """
        if "numbers" in columns:
            columns["numbers"] = json.dumps(columns["numbers"])
        assignments = ", ".join(f"{name} = ?" for name in columns)
        with self._transaction() as connection:
            connection.execute(
                f"update batches set {assignments} where number = ?",  # noqa: S608 (our own names)
                (*columns.values(), number),
            )
        return self.read(number)

    def finish(self, number: int, state: BatchState, reason: str, **columns: Any) -> Batch:
        """Set the final state of a batch, and further columns.

        Args:
            number: Number of the batch.
            state: Final state.
            reason: Reason for the state.
            columns: Further values by column.

        Returns:
            The batch after the change.
        """
        return self.update(number, state=state, reason=reason, finished_at=_now(), **columns)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=30)
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("pragma synchronous = full")
            with connection:
                yield connection
        finally:
            connection.close()


def read_batches(workspace: Path) -> list[Batch]:
    """Return all batches of a workspace; none where it has no ledger. Creates no ledger.

    Raises:
        InputError: A newer version of carryover has written the ledger.
    """
    return Ledger(workspace).batches() if (workspace / FILE).exists() else []


def _upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the table to `SCHEMA_VERSION`."""
    (version,) = connection.execute("pragma user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise InputError(
            f"ledger {path} has schema version {version}, and this carryover supports versions up "
            f"to {SCHEMA_VERSION}. Update carryover, or give another workspace with "
            "--workspace DIR."
        )
    connection.execute(_TABLE)
    # A ledger on a read-only disk can still be listed.
    if version < SCHEMA_VERSION and os.access(path, os.W_OK):
        connection.execute(f"pragma user_version = {SCHEMA_VERSION}")


def _replace_earlier(connection: sqlite3.Connection, name: str, number: int) -> None:
    """Mark earlier batches of a name as replaced by a new one."""
    earlier = "where name = ? and number < ? and replaced_by is null and state != 'duplicate'"
    connection.execute(
        "update batches set state = 'replaced', finished_at = ?, reason = ? "  # noqa: S608
        f"{earlier} and state = 'taken'",
        (_now(), f"delivered again as batch {number} before it was assessed", name, number),
    )
    connection.execute(
        f"update batches set replaced_by = ? {earlier}",  # noqa: S608 (our own text)
        (number, name, number),
    )


def _insert(connection: sqlite3.Connection, values: dict[str, Any]) -> int:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    cursor = connection.execute(
        f"insert into batches ({names}) values ({marks})",  # noqa: S608 (our own names)
        tuple(values.values()),
    )
    return int(cursor.lastrowid or 0)


def _batch(row: sqlite3.Row) -> Batch:
    columns = set(row.keys())
    values = {field.name: row[field.name] for field in fields(Batch) if field.name in columns}
    return Batch(**values | {"numbers": json.loads(row["numbers"])})


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
