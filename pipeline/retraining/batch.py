"""A batch: its states, and the table of the ledger that keeps it."""

import json
import os
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError, UnavailableError

BatchState = Literal[
    "waiting",
    "taken",
    "pushed",
    "rejected",
    "good_enough",
    "too_little_data",
    "awaiting_labels",
    "labels_used",
    "held",
    "failed",
    "duplicate",
    "replaced",
    "withdrawn",
]

#: State of a batch that cannot be copied yet. It has neither digest nor stamp.
UNAVAILABLE: BatchState = "waiting"

#: State of a batch whose outcome is open. All other states but `UNAVAILABLE` are final.
OPEN: BatchState = "taken"

#: State of a batch whose candidate is held until labels decide on it.
AWAITING: BatchState = "awaiting_labels"

#: Exit codes of a pass: a run failed, the config keeps a batch open, a candidate was rejected, one
#: awaits labels.
EXIT_FAILED, EXIT_BAD_INPUT, EXIT_REJECTED, EXIT_AWAITING = 1, 2, 3, 4

#: Exit codes by the state of a processed batch; 0 for all other states.
EXIT_CODES: dict[BatchState, int] = {
    OPEN: EXIT_FAILED,
    "failed": EXIT_FAILED,
    "rejected": EXIT_REJECTED,
    AWAITING: EXIT_AWAITING,
}

#: States of batches whose pictures are kept for the next training.
KEPT: tuple[BatchState, ...] = ("good_enough", "too_little_data", AWAITING, "labels_used")

#: States of batches whose pictures are in no training. Delivered again, they are taken again.
DROPPED: tuple[BatchState, ...] = ("rejected", "held", "failed")

#: States of batches that never had pictures of their own.
WITHOUT_PICTURES: tuple[BatchState, ...] = (UNAVAILABLE, "duplicate", "withdrawn")

#: What to do with a batch whose labels contradict its pictures. Only such a batch can be accepted.
CHECK_LABELS = "Check the labels"

#: Name of the database in the workspace.
FILE = "ledger.sqlite"

_DAMAGED = (
    "It is damaged. Restore it from a backup, or move it away: then every batch in the inbox is "
    "taken as a new one."
)

#: Version of the table, SQLite's `user_version`. Ledgers from before versions have 0, and the same
#: table as version 1, which lacks the columns in `_ADDED`. Whoever changes the table raises the
#: version and extends `_ADDED`.
SCHEMA_VERSION = 4

#: Columns that a version has added, with their types.
_ADDED = {
    "accepted": "text not null default ''",
    "forgotten": "integer not null default 0",
    "model": "text not null default ''",
}

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
    replaced_by integer,
    accepted text not null default '',
    forgotten integer not null default 0,
    model text not null default ''
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
        replaced_by: Number of a later batch of the same name or pictures that replaces this one.
        accepted: Reason with which a person accepted its labels; "" if nobody did.
        forgotten: 1 if `carryover forget` has removed pictures of it; else 0.
        model: Name of the model whose pass has taken it; "" in a ledger from before: then it
            belongs to every model of the workspace.

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
    accepted: str = ""
    forgotten: int = 0
    model: str = ""

    @property
    def is_held_for_labels(self) -> bool:
        """Whether a person can accept its labels."""
        is_held = self.state == "held" and not self.replaced_by and not self.accepted
        return is_held and CHECK_LABELS in self.reason

    @property
    def awaited_domains(self) -> list[str]:
        """Domains whose labels decide on the candidate of its last run."""
        return [name for name, one in self.numbers.items() if one.get("awaits_labels")]

    @property
    def unverified_domains(self) -> list[str]:
        """Domains of which a candidate for it was trained on pictures without any label."""
        marks = ("awaits_labels", "unverified")
        return [name for name, one in self.numbers.items() if any(map(one.get, marks))]

    def numbers_without_candidate(self) -> dict[str, dict[str, Any]]:
        """Return its numbers where labels decide on no candidate any more."""
        return {
            name: {key: value for key, value in one.items() if key != "awaits_labels"}
            | ({"unverified": True} if name in self.unverified_domains else {})
            for name, one in self.numbers.items()
        }

    @property
    def has_awaiting_candidate(self) -> bool:
        """Whether labels decide on the candidate of its last run, unless that was superseded."""
        return bool(self.run_id and self.awaited_domains and self.state in (AWAITING, OPEN))

    def awaits_waiting_labels(self, batches: Iterable["Batch"]) -> bool:
        """Return whether labels wait that are too few, so far, to decide on its candidate.

        Args:
            batches: Batches of the ledger.
        """
        if self.state != AWAITING or self.replaced_by is not None:
            return False
        waiting = [one.numbers for one in batches if one.state == "too_little_data"]
        return any(
            numbers.get(name, {}).get("labelled")
            for numbers in waiting
            for name in self.awaited_domains
        )

    def was_decided_by_labels(self, batches: Iterable["Batch"]) -> bool:
        """Return whether labels that arrived later decided on the candidate of its last run.

        Args:
            batches: Batches of the ledger.
        """
        used = [one.numbers for one in batches if one.state == "labels_used"]
        return any(name in numbers for numbers in used for name in self.awaited_domains)

    @property
    def has_unlabelled(self) -> bool:
        """Whether it has pictures without a label."""
        return any(one.get("unlabelled") for one in self.numbers.values())

    def acceptance(self) -> dict[str, str]:
        """Return the reason with which its labels were accepted, as a part of its events."""
        return {"accepted": self.accepted} if self.accepted else {}


#: Columns that the ledger of every version has.
_REQUIRED = {field.name for field in fields(Batch) if field.default is MISSING}


def batch_of_row(row: sqlite3.Row) -> Batch:
    """Return the batch of a row of the ledger.

    Raises:
        sqlite3.DatabaseError: The row is damaged.
    """
    columns = set(row.keys())
    values = {field.name: row[field.name] for field in fields(Batch) if field.name in columns}
    try:
        return Batch(**values | {"numbers": json.loads(row["numbers"])})
    except ValueError:
        raise sqlite3.DatabaseError(f"the row of batch {row['number']} is malformed") from None


def has_pictures(batch: Batch) -> bool:
    """Return whether a batch was copied, and is not a duplicate of another one."""
    return batch.state not in WITHOUT_PICTURES


def find_acceptance(batches: Iterable[Batch], digest: str) -> str:
    """Return the reason with which a person accepted the labels of some pictures.

    It holds for every delivery of the same content.

    Args:
        batches: Batches of the ledger in the order of arrival.
        digest: Digest of the content.

    Returns:
        The newest reason; "" if nobody accepted them.
    """
    reasons = [one.accepted for one in batches if one.digest == digest and one.accepted]
    return reasons[-1] if reasons else ""


def upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Create the table, or bring it to `SCHEMA_VERSION`.

    Args:
        connection: Connection to the ledger.
        path: Path of the ledger, for messages.

    Raises:
        InputError: A newer version of carryover or another program has written the ledger.
    """
    (version,) = connection.execute("pragma user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise InputError(
            f"ledger {path} has schema version {version}, and this carryover supports versions up "
            f"to {SCHEMA_VERSION}. Update carryover, or give another workspace with "
            "--workspace DIR."
        )
    connection.execute(_TABLE)
    columns = {row["name"] for row in connection.execute("pragma table_info(batches)")}
    if missing := _REQUIRED - columns:
        raise InputError(f"ledger {path}: it has no column {min(missing)}. {_DAMAGED}")
    # A ledger on a read-only disk can still be listed.
    if version < SCHEMA_VERSION and os.access(path, os.W_OK):
        for name in _ADDED.keys() - columns:
            connection.execute(f"alter table batches add column {name} {_ADDED[name]}")
        connection.execute(f"pragma user_version = {SCHEMA_VERSION}")


#: What to do, by a part of SQLite's message.
_REMEDIES = {
    "not a database": _DAMAGED,
    "malformed": _DAMAGED,
    "unable to open": "Make it and its folder readable and writable for this user.",
    "locking protocol": "Its file system has no file locks. Move the workspace to another disk.",
    "locked": "Another program has opened it. Close that program, and run the command again.",
    "full": "Free some space on that disk, and run the command again.",
    "readonly": "Make it and its folder writable for this user, and run the command again.",
    "disk I/O": "Check that disk, and run the command again.",
}


def check_ledger(path: Path) -> bool:
    """Refuse an empty ledger of a workspace with batches: SQLite would take it for a new one.

    Args:
        path: Path of the ledger.

    Returns:
        Whether there is a ledger. A pass that a full disk ended leaves an empty file.

    Raises:
        InputError: The ledger is empty, as after a power failure.
    """
    if not path.exists() or path.stat().st_size:
        return path.exists()
    batches = Workspace(path.parent).batches
    if batches.is_dir() and any(one.name[0] != "." for one in batches.iterdir()):
        raise InputError(f"ledger {path}: the file is empty. {_DAMAGED}")
    return False


def explain_error(error: sqlite3.Error, path: Path) -> InputError | None:
    """Return the error to show for an error of SQLite that the code is not to blame for.

    Args:
        error: Error of SQLite.
        path: Path of the ledger.

    Returns:
        An error that names the ledger and what to do; None for any other error.
    """
    for part, remedy in _REMEDIES.items():
        if part in str(error):
            kind = InputError if remedy == _DAMAGED else UnavailableError
            return kind(f"ledger {path}: {error}. {remedy}")
    return None


def pass_exit_code(codes: Collection[int]) -> int:
    """Return the exit code of a pass from those of its batches: failures come first."""
    order = (EXIT_FAILED, EXIT_BAD_INPUT, EXIT_REJECTED, EXIT_AWAITING)
    return next((code for code in order if code in codes), 0)
