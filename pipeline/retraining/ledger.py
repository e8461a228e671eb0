"""Ledger of a workspace: every batch and its outcome, in a SQLite database."""

import contextlib
import json
import posixpath
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pipeline.retraining.batch import (
    DROPPED,
    FILE,
    OPEN,
    UNAVAILABLE,
    WITHOUT_PICTURES,
    Batch,
    BatchState,
    batch_of_row,
    check_ledger,
    explain_error,
    has_pictures,
    upgrade,
)


class Ledger:
    """The batches of a workspace. Every change is on disk when its call returns."""

    def __init__(self, workspace: Path, model: str | None = None) -> None:
        """Open the ledger of a workspace; create it, or upgrade its schema, where necessary.

        Args:
            workspace: Folder of the workspace.
            model: Name of the model whose batches are seen and added, also where another model has
                taken the same delivery; None for those of all models.

        Raises:
            InputError: The ledger is damaged, or a newer version of carryover has written it.
        """
        self._path = workspace / FILE
        self._model = model
        check_ledger(self._path)
        with self._transaction() as connection:
            upgrade(connection, self._path)

    def batches(self) -> list[Batch]:
        """Return all batches in the order of arrival."""
        return self._select()

    def of_digest(self, digest: str) -> list[Batch]:
        """Return the batches of some content in the order of arrival."""
        return self._select("digest = ?", digest)

    def contains(self, name: str, stamp: str) -> bool:
        """Return whether the newest delivery of this name has this stamp."""
        newest = self.newest(name)
        return newest is not None and newest.stamp == stamp

    def newest(self, name: str) -> Batch | None:
        """Return the newest batch of a name; None if there is none."""
        found = self._select("name = ?", name)
        return found[-1] if found else None

    def with_pictures(self, digest: str) -> Batch | None:
        """Return the batch that the pictures of a digest belong to; None if there is none."""
        found = [batch for batch in self.of_digest(digest) if has_pictures(batch)]
        return found[-1] if found and found[-1].replaced_by is None else None

    def add(
        self,
        name: str,
        source: str,
        digest: str,
        stamp: str,
        fault: tuple[BatchState, str] | None = None,
        is_rolled_back: Callable[[int], bool] = lambda _: False,
    ) -> Batch | None:
        """Add a delivery as a batch.

        It replaces earlier batches of the same name. If its content is that of an earlier batch
        whose pictures are in training or wait for it, it is a duplicate, and its state is final.
        If the pictures of that batch are in no training, or some were forgotten, they are taken
        again.

        Args:
            name: Name of the delivery.
            source: Path of the delivery.
            digest: Digest of its content.
            stamp: Stamp of its files.
            fault: State and reason of an unreadable delivery; None for a readable one.
            is_rolled_back: Tells which versions were rolled back. Their batches are in no training.

        Returns:
            The batch. None if a batch of this name and content is in the ledger, and is not taken
            again: then only the stamp of that batch is updated.
        """
        newest, same = self.newest(name), self.with_pictures(digest)
        if same and (
            same.state in DROPPED
            or same.forgotten
            or (same.version and is_rolled_back(same.version))
        ):
            same = None
        if same and newest and newest.number == same.number:
            self.update(same.number, stamp=stamp)
            return None
        values: dict[str, Any] = {"name": name, "source": source, "digest": digest, "stamp": stamp}
        values |= {"taken_at": _now(), "state": OPEN, "reason": "", "model": self._model or ""}
        if same:
            reason = f"the same pictures arrived as batch {same.number}, {same.name}"
            values |= {"state": "duplicate", "reason": reason, "finished_at": _now()}
        elif fault:
            values |= {"state": fault[0], "reason": fault[1], "finished_at": _now()}
        with self._transaction() as connection:
            if newest and newest.state == UNAVAILABLE:
                number = newest.number
                _update(connection, number, values)
            else:
                number = _insert(connection, values)
            _replace_earlier(
                connection, number, name, digest, keep=same.number if same else 0, of=self._of_model
            )
        return self.read(number)

    def wait(self, name: str, source: str, reason: str) -> tuple[Batch, bool]:
        """Add a delivery that cannot be copied yet, or update the reason of the one that waits.

        Args:
            name: Name of the delivery.
            source: Path of the delivery.
            reason: What it waits for, a text for people.

        Returns:
            The batch, and whether it is new.
        """
        newest = self.newest(name)
        if newest and newest.state == UNAVAILABLE:
            return self.update(newest.number, source=source, reason=reason), False
        values = {"name": name, "source": source, "digest": "", "stamp": ""}
        values |= {"taken_at": _now(), "state": UNAVAILABLE, "reason": reason}
        values["model"] = self._model or ""
        with self._transaction() as connection:
            number = _insert(connection, values)
        return self.read(number), True

    def note_removed(self, source: str, names: Collection[str]) -> list[Batch]:
        """Note which deliveries are no longer in the inbox: if they come back, they are new.

        An empty inbox may be a network folder that is not mounted. Then only batches that wait are
        withdrawn: what comes back waits again.

        Args:
            source: Path of the inbox.
            names: Names of the deliveries that are in it.

        Returns:
            The waiting batches that were withdrawn.
        """
        gone = [
            batch
            for batch in self.batches()
            if posixpath.dirname(batch.source) == source and batch.name not in names
        ]
        if names:
            with self._transaction() as connection:
                numbers = [(batch.number,) for batch in gone if batch.stamp]
                connection.executemany("update batches set stamp = '' where number = ?", numbers)
        reason = "removed from the inbox before it could be taken"
        return [
            self.finish(batch.number, "withdrawn", reason)
            for batch in gone
            if batch.state == UNAVAILABLE
        ]

    def dropped(self, source: str) -> Counter[BatchState]:
        """Return how many batches of an inbox are taken only when they are delivered again.

        Args:
            source: Path of the inbox.
        """
        newest = {batch.name: batch for batch in self.batches()}
        return Counter(
            batch.state
            for batch in newest.values()
            if batch.state in DROPPED and batch.stamp and posixpath.dirname(batch.source) == source
        )

    def read(self, number: int) -> Batch:
        """Return one batch."""
        return self._select("number = ?", number)[0]

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
        with self._transaction() as connection:
            _update(connection, number, columns)
        return self.read(number)

    def update_all(self, changes: Mapping[int, Mapping[str, str]]) -> None:
        """Set columns of several batches: of all, or after a kill of none.

        Args:
            changes: Values by column, by the number of the batch.
        """
        with self._transaction() as connection:
            for number, columns in changes.items():
                _update(connection, number, columns)

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

    def copy_to(self, workspace: Path) -> "Ledger":
        """Copy the ledger to another folder, and return the copy."""
        with self._transaction() as connection:
            target = sqlite3.connect(workspace / FILE)
            connection.backup(target)
            target.close()
        return Ledger(workspace)

    def _select(self, where: str = "true", *values: str | int) -> list[Batch]:
        condition, models = self._of_model
        query = f"select * from batches where {where} and {condition} order by number"  # noqa: S608
        with self._transaction() as connection:
            return [batch_of_row(row) for row in connection.execute(query, (*values, *models))]

    @property
    def _of_model(self) -> tuple[str, tuple[str, ...]]:
        """Condition on the batches of the model, as SQL, and its values."""
        return ("true", ()) if self._model is None else ("model in ('', ?)", (self._model,))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=30)
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("pragma synchronous = full")
            connection.execute("pragma secure_delete = on")  # what `forget` removes is overwritten
            with connection:
                yield connection
        except sqlite3.DatabaseError as error:
            explained = explain_error(error, self._path)
            if explained is None:
                raise
            raise explained from error
        finally:
            connection.close()


def read_batches(workspace: Path) -> list[Batch]:
    """Return all batches of a workspace; none where it has no ledger. Creates no ledger.

    Raises:
        InputError: A newer version of carryover has written the ledger.
    """
    return Ledger(workspace).batches() if check_ledger(workspace / FILE) else []


def _replace_earlier(
    connection: sqlite3.Connection,
    number: int,
    name: str,
    digest: str,
    keep: int,
    of: tuple[str, tuple[str, ...]],
) -> None:
    """Mark earlier batches of a name or a digest as replaced by a new one.

    Args:
        connection: Connection to the ledger.
        number: Number of the new batch.
        name: Name of the new batch.
        digest: Digest of the new batch.
        keep: Number of the batch that the new one is a duplicate of; 0 for no duplicate.
        of: Condition on the batches of its model, as SQL, and its values.
    """
    marks = ", ".join("?" * len(WITHOUT_PICTURES))
    earlier = (
        f"where (name = ? or digest = ?) and number not in (?, ?) and replaced_by is null "
        f"and state not in ({marks}) and {of[0]}"
    )
    values = (name, digest, number, keep, *WITHOUT_PICTURES, *of[1])
    connection.execute(
        "update batches set state = 'replaced', finished_at = ?, reason = ? "  # noqa: S608
        f"{earlier} and state = 'taken'",
        (_now(), f"delivered again as batch {number} before it was assessed", *values),
    )
    connection.execute(
        f"update batches set replaced_by = ? {earlier}",  # noqa: S608 (our own text)
        (number, *values),
    )


def _update(connection: sqlite3.Connection, number: int, columns: Mapping[str, Any]) -> None:
    assignments = ", ".join(f"{name} = ?" for name in columns)
    connection.execute(
        f"update batches set {assignments} where number = ?",  # noqa: S608 (our own names)
        (*columns.values(), number),
    )


def _insert(connection: sqlite3.Connection, values: dict[str, Any]) -> int:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    cursor = connection.execute(
        f"insert into batches ({names}) values ({marks})",  # noqa: S608 (our own names)
        tuple(values.values()),
    )
    return int(cursor.lastrowid or 0)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
