"""Files and folders that are removed, and their removal."""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from components.pusher.version_store import LEFT_FILES, VersionStore
from pipeline.retention.disk_size import freed_bytes
from pipeline.retention.metadata_rows import MetadataRows, remove_rows
from trainer_module.contract.atomic_write import atomic_write

#: Kind of the rows of ML Metadata.
ROWS = "executions in ML Metadata"


class Step(Protocol):
    """A step of the cleaning. After a kill in any of them, the next cleaning does it again."""

    @property
    def kind(self) -> str:
        """What is removed, a row of the table."""

    @property
    def count(self) -> int:
        """Number of things of this kind."""

    def size(self) -> int:
        """Return the bytes of disk that the step frees."""

    def carry_out(self) -> None:
        """Do it. What is gone already is no error.

        Raises:
            OSError: Something cannot be removed.
            UnavailableError: ML Metadata cannot be written.
        """


@dataclass(frozen=True)
class Cleaned:
    """What was removed of a kind, or would be.

    Attributes:
        kind: What it is, a text for people.
        count: Number of things.
        size: Bytes of disk.
    """

    kind: str
    count: int
    size: int


def add_up(steps: Iterable[tuple[Step, int]]) -> list[Cleaned]:
    """Return what steps remove by kind, in their order.

    Args:
        steps: Steps with the bytes of disk that each frees.
    """
    removed: dict[str, Cleaned] = {}
    for step, size in steps:
        so_far = removed.get(step.kind, Cleaned(step.kind, 0, 0))
        removed[step.kind] = Cleaned(step.kind, so_far.count + step.count, so_far.size + size)
    return list(removed.values())


@dataclass(frozen=True)
class Removal:
    """A file or a folder to remove.

    Attributes:
        kind: See `Step`.
        path: Path of the file or folder.
        left: Paths of the files in the folder that stay, relative to it; none to remove the folder.
        first: Names of files in the folder that are removed before all others, because they name
            others, here or elsewhere.
    """

    kind: str
    path: Path
    left: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    count: int = 1

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to remove."""
        if self.left:
            return any(_superfluous(self.path, self._left_paths))
        return os.path.lexists(self.path)

    def size(self) -> int:
        """See `Step`."""
        return freed_bytes([self.path], self._left_paths)

    def carry_out(self) -> None:
        """See `Step`."""
        if self.path.is_symlink():  # what it leads to is not ours to remove
            self.path.unlink()
            return
        for name in self.first:
            (self.path / name).unlink(missing_ok=True)
        if not self.left:
            _remove(self.path)
        for path in list(_superfluous(self.path, self._left_paths)) if self.left else ():
            _remove(path)

    @property
    def _left_paths(self) -> list[Path]:
        return [self.path / name for name in self.left]


@dataclass(frozen=True)
class VersionRemoval:
    """A version to remove from the serving directory.

    It leaves the directory in one step, so a model server sees all of it or nothing.

    Attributes:
        store: Versions of the model.
        number: Number of the version.
    """

    store: VersionStore
    number: int
    kind: str = "versions"
    count: int = 1

    def size(self) -> int:
        """See `Step`."""
        return Removal(self.kind, self.store.path(self.number), LEFT_FILES).size()

    def carry_out(self) -> None:
        """See `Step`."""
        Removal(self.kind, self.store.remove(self.number), LEFT_FILES).carry_out()


@dataclass(frozen=True)
class RowRemoval:
    """Rows of ML Metadata to remove.

    Attributes:
        database: SQLite file of ML Metadata.
        rows: What to keep.
    """

    database: Path
    rows: MetadataRows
    kind: str = ROWS

    @property
    def count(self) -> int:
        """Number of executions."""
        return self.rows.removed

    def size(self) -> int:
        """Return 0: later rows use the room, and the file may get smaller afterwards."""
        return 0

    def carry_out(self) -> None:
        """See `Step`."""
        remove_rows(self.database, self.rows)


@dataclass(frozen=True)
class LogCut:
    """A log of a command that is cut to its newest lines.

    Attributes:
        path: Path of the log.
        limit: Bytes that stay, at most.
    """

    path: Path
    limit: int
    kind: str = "old lines of logs"
    count: int = 1

    def size(self) -> int:
        """See `Step`."""
        return self.path.stat().st_size - self.limit

    def carry_out(self) -> None:
        """See `Step`."""
        with self.path.open("rb") as file:
            file.seek(-self.limit, os.SEEK_END)
            file.readline()  # the rest of a line
            atomic_write(self.path, file.read())


def _superfluous(folder: Path, left: list[Path]) -> Iterator[Path]:
    """Yield the files and folders below a folder that neither stay nor hold what does."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if any(one != path and one.is_relative_to(path) for one in left):
            yield from _superfluous(path, left)
        elif path not in left:
            yield path


def _remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it; what a link leads to stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
