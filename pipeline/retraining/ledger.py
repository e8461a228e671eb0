"""The ledger: what became of every batch. It is a table in a database of the workspace."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

State = Literal[
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

#: In the workspace.
FILE = "ledger.sqlite"

#: Work on the batch is not done. Every other state is the end of it.
OPEN: State = "taken"

#: The pictures of such a batch wait for the next training.
WAITING: tuple[State, ...] = ("good_enough", "too_little_data")

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
class Entry:
    """A batch, as the ledger knows it.

    Attributes:
        number: in the order of arrival, from 1.
        name: of the batch in the inbox.
        source: where it was found.
        digest: of its content; it names the folder of our copy.
        stamp: of names, sizes and times where it was found, see `inbox.stamp`.
        taken_at: ISO 8601, UTC.
        state: see `State`.
        reason: in words.
        numbers: of the assessment, JSON-ready.
        run_id: of its last run, if there was one.
        version: that was pushed for it, if one was.
        attempts: runs that failed.
        finished_at: when it came to its end; None while it is open.
        replaced_by: number of the corrected delivery that took its place.
    """

    number: int
    name: str
    source: str
    digest: str
    stamp: str
    taken_at: str
    state: State
    reason: str
    numbers: dict[str, Any]
    run_id: str | None
    version: int | None
    attempts: int
    finished_at: str | None
    replaced_by: int | None


class Ledger:
    """The table. Every change is on disk when its call returns."""

    def __init__(self, workspace: Path) -> None:
        """Open the ledger of a workspace, or begin one."""
        self._path = workspace / FILE
        with self._connection() as connection:
            connection.execute(_TABLE)

    def entries(self) -> list[Entry]:
        """All batches, in the order of arrival."""
        with self._connection() as connection:
            rows = connection.execute("select * from batches order by number").fetchall()
        return [_entry(row) for row in rows]

    def knows(self, name: str, stamp: str) -> bool:
        """Whether a batch was taken as it lies there."""
        return any(entry.name == name and entry.stamp == stamp for entry in self.entries())

    def take(self, name: str, source: str, digest: str, stamp: str) -> Entry | None:
        """Enter a batch. An earlier one of the same name gives way to it.

        One of the same content is entered as a duplicate, and nothing is done with it; one that was
        replaced since does not count. Where only the times of files have changed, there is no new
        entry.
        """
        known = [entry for entry in self.entries() if entry.replaced_by is None]
        same = [entry for entry in known if entry.digest == digest and entry.state != "duplicate"]
        if same and same[0].name == name:
            self.note(same[0].number, stamp=stamp)
            return None
        with self._connection() as connection:
            values: dict[str, Any] = {"name": name, "source": source, "digest": digest}
            values |= {"stamp": stamp, "taken_at": _now(), "state": OPEN}
            if same:
                first = same[0]
                reason = f"the same pictures came as batch {first.number}, {first.name}"
                values |= {"state": "duplicate", "reason": reason, "finished_at": _now()}
            number = _insert(connection, values)
            if not same:
                self._replace(connection, name, number)
        return self.read(number)

    def read(self, number: int) -> Entry:
        """One batch."""
        with self._connection() as connection:
            row = connection.execute("select * from batches where number = ?", (number,)).fetchone()
        return _entry(row)

    def note(self, number: int, **values: Any) -> Entry:
        """Note something of a batch, such as its numbers."""
        if "numbers" in values:
            values["numbers"] = json.dumps(values["numbers"])
        columns = ", ".join(f"{name} = ?" for name in values)
        with self._connection() as connection:
            connection.execute(
                f"update batches set {columns} where number = ?",  # noqa: S608 (our own names)
                (*values.values(), number),
            )
        return self.read(number)

    def finish(self, number: int, state: State, reason: str, **values: Any) -> Entry:
        """Bring a batch to its end."""
        return self.note(number, state=state, reason=reason, finished_at=_now(), **values)

    @staticmethod
    def _replace(connection: sqlite3.Connection, name: str, number: int) -> None:
        """Let earlier batches of a name give way to a new one."""
        earlier = "where name = ? and number < ? and replaced_by is null and state != 'duplicate'"
        connection.execute(
            "update batches set state = 'replaced', finished_at = ?, reason = ? "  # noqa: S608
            f"{earlier} and state = 'taken'",
            (_now(), f"delivered again as batch {number} before it was looked at", name, number),
        )
        connection.execute(
            f"update batches set replaced_by = ? {earlier}",  # noqa: S608 (our own text)
            (number, name, number),
        )

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A transaction."""
        connection = sqlite3.connect(self._path, timeout=30)
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("pragma synchronous = full")
            with connection:
                yield connection
        finally:
            connection.close()


def read_entries(workspace: Path) -> list[Entry]:
    """All batches of a workspace; none where nothing was ever delivered to it."""
    return Ledger(workspace).entries() if (workspace / FILE).exists() else []


def _insert(connection: sqlite3.Connection, values: dict[str, Any]) -> int:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    cursor = connection.execute(
        f"insert into batches ({names}) values ({marks})",  # noqa: S608 (our own names)
        tuple(values.values()),
    )
    return int(cursor.lastrowid or 0)


def _entry(row: sqlite3.Row) -> Entry:
    values = {field.name: row[field.name] for field in fields(Entry)}
    return Entry(**values | {"numbers": json.loads(row["numbers"])})


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
