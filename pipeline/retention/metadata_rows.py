"""Rows of ML Metadata that no kept run needs, and their removal.

ML Metadata has no function that removes anything, so the rows are removed from its database. What
is left is closed: every event connects an execution and an artifact that are there, and an artifact
has the execution that made it.
"""

import contextlib
import shutil
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from trainer_module.contract.errors import UnavailableError

#: Version of ML Metadata's tables that this module knows.
SCHEMA_VERSION = 10

#: Share of the pages of the database that may be unused before it is written anew.
MAX_UNUSED = 0.25

#: Type of the context of a run, and that of the context of a cache key.
_RUN, _CACHE = "pipeline_run", "execution_cache"

#: `kept_execution` and `kept_artifact` hold ids; `outputs` the events by which executions made
#: artifacts: ML Metadata's `Event.OUTPUT` and `DECLARED_OUTPUT`.
_KEPT_TABLES = """
create temp table kept_execution (id integer primary key);
create temp table kept_artifact (id integer primary key);
create temp table kept_context (id integer primary key);
create temp view outputs as select artifact_id, execution_id from Event where type in (1, 4);
"""

#: Artifacts that kept executions used, the executions that made these, and what else those made:
#: an execution whose outputs were there in part would answer for all of them.
_FOLLOW = (
    "insert or ignore into kept_artifact select artifact_id from Event"
    " where execution_id in kept_execution",
    "insert or ignore into kept_execution select execution_id from outputs"
    " where artifact_id in kept_artifact",
    "insert or ignore into kept_artifact select artifact_id from outputs"
    " where execution_id in kept_execution",
)

#: TFX numbers the folders of artifacts by executions: the newest number must not return.
_NEWEST = "select id from Execution order by id desc limit 1"

#: Executions that are removed, and the newest one if its artifacts are.
_COUNT_REMOVED = """
select count(*) from Execution where id not in kept_execution
    or id in (select execution_id from Event where artifact_id not in kept_artifact)
"""

#: In this order, so that no row is left that names a missing one, were they not one transaction.
_REMOVE = """
delete from EventPath where event_id in (select id from Event
    where execution_id not in kept_execution or artifact_id not in kept_artifact);
delete from Event
    where execution_id not in kept_execution or artifact_id not in kept_artifact;
delete from Association
    where execution_id not in kept_execution or context_id not in kept_context;
delete from Attribution
    where artifact_id not in kept_artifact or context_id not in kept_context;
delete from ArtifactProperty where artifact_id not in kept_artifact;
delete from Artifact where id not in kept_artifact;
delete from ExecutionProperty where execution_id not in kept_execution;
delete from Execution where id not in kept_execution;
delete from ContextProperty where context_id not in kept_context;
delete from ParentContext
    where context_id not in kept_context or parent_context_id not in kept_context;
delete from Context where id not in kept_context;
"""


@dataclass(frozen=True)
class MetadataRows:
    """What a database of ML Metadata holds for kept runs, and what else.

    Attributes:
        kept_runs: Names of the contexts of the kept runs.
        kept_uris: URIs of the artifacts that they use.
        removed: Number of executions that are removed.
        keeps_newest: Whether the newest execution is kept with its artifacts.
    """

    kept_runs: frozenset[str]
    kept_uris: frozenset[str]
    removed: int
    keeps_newest: bool = True


def find_rows(
    database: Path, kept_runs: Collection[str], newest: int, keeps_newest: bool = True
) -> MetadataRows:
    """Find out what kept runs need of ML Metadata.

    Args:
        database: Its SQLite file. It exists, and holds its tables.
        kept_runs: Ids of the runs to keep.
        newest: Number of other commands, such as `inspect`, whose components are kept, too.
        keeps_newest: Whether the newest execution is kept with its artifacts; else its row alone.

    Raises:
        UnavailableError: The database is unreadable or locked, or another version of ML Metadata
            has written it.
    """
    with _open(database, "ro") as connection:
        names = frozenset(kept_runs) | _newest_others(connection, newest)
        _find_kept(connection, names, keeps_newest)
        uris = connection.execute("select uri from Artifact where id in kept_artifact")
        kept_uris = frozenset(uri for (uri,) in uris if uri)
        removed = connection.execute(_COUNT_REMOVED).fetchone()[0]
        return MetadataRows(names, kept_uris, removed, keeps_newest)


def remove_rows(database: Path, rows: MetadataRows) -> None:
    """Remove all rows but those of the kept runs, in one transaction.

    The newest execution stays, whichever run it was: TFX numbers the folders of artifacts by
    executions, and no number may return.

    Args:
        database: SQLite file of ML Metadata.
        rows: What to keep, see `find_rows`.

    Raises:
        UnavailableError: The database cannot be written, or is locked.
    """
    with _open(database, "rw") as connection:
        connection.execute("pragma secure_delete = on")  # what is removed is overwritten
        connection.execute("begin immediate")
        _find_kept(connection, rows.kept_runs, rows.keeps_newest)
        for statement in filter(str.strip, _REMOVE.split(";")):
            connection.execute(statement)
        connection.execute("commit")
        _give_back_pages(connection, database)


@contextlib.contextmanager
def _open(database: Path, mode: str) -> Iterator[sqlite3.Connection]:
    address = f"file:{quote(str(database))}?mode={mode}"
    try:
        with contextlib.closing(
            sqlite3.connect(address, timeout=30, uri=True, isolation_level=None)
        ) as connection:
            (version,) = connection.execute("select schema_version from MLMDEnv").fetchone()
            if version != SCHEMA_VERSION:
                raise UnavailableError(
                    f"ML Metadata {database} has schema version {version}, and this carryover "
                    f"cleans version {SCHEMA_VERSION}. Update carryover."
                )
            connection.execute("pragma temp_store = memory")
            connection.executescript(_KEPT_TABLES)
            yield connection
    except sqlite3.Error as error:
        raise UnavailableError(
            f"ML Metadata {database}: {error}. Make the file and its folder readable and writable "
            "for this user, close programs that use it, and run the command again."
        ) from error


def _newest_others(connection: sqlite3.Connection, newest: int) -> frozenset[str]:
    """Return the names of the newest contexts of commands that are no runs, such as `inspect`."""
    contexts = connection.execute(
        "select Context.name from Context join Type on Type.id = Context.type_id"
        " where Type.name = ? and Context.name glob '[a-z]*' order by Context.id desc limit ?",
        (_RUN, newest),
    )
    return frozenset(name for (name,) in contexts)


def _find_kept(
    connection: sqlite3.Connection, kept_runs: frozenset[str], keeps_newest: bool
) -> None:
    """Fill the tables of what is kept."""
    contexts = connection.execute(
        "select Context.id, Type.name, Context.name from Context"
        " join Type on Type.id = Context.type_id"
    ).fetchall()
    runs = [(number,) for number, kind, name in contexts if kind == _RUN and name in kept_runs]
    connection.executemany("insert into kept_context values (?)", runs)
    if keeps_newest:
        connection.execute(f"insert into kept_execution {_NEWEST}")
    connection.execute(
        "insert or ignore into kept_execution select execution_id from Association"
        " where context_id in kept_context"
    )
    before = -1
    while before < (now := _count_kept(connection)):
        before = now
        for statement in _FOLLOW:
            connection.execute(statement)
    others = [(number,) for number, kind, _ in contexts if kind not in (_RUN, _CACHE)]
    connection.executemany("insert into kept_context values (?)", others)
    caches = [(number,) for number, kind, _ in contexts if kind == _CACHE]
    connection.executemany(
        "insert into kept_context select context_id from Association"
        " where context_id = ? and execution_id in kept_execution limit 1",
        caches,
    )
    # Without its outputs it must not answer from the cache, so its cache key is not kept.
    connection.execute(f"insert or ignore into kept_execution {_NEWEST}")


def _count_kept(connection: sqlite3.Connection) -> int:
    query = "select (select count(*) from kept_execution) + (select count(*) from kept_artifact)"
    return int(connection.execute(query).fetchone()[0])


def _give_back_pages(connection: sqlite3.Connection, database: Path) -> None:
    """Write the database anew if much of it is unused, and the disk has room for that."""
    (unused,) = connection.execute("pragma freelist_count").fetchone()
    (pages,) = connection.execute("pragma page_count").fetchone()
    has_room = shutil.disk_usage(database.parent).free > 2 * database.stat().st_size
    if unused > MAX_UNUSED * pages and has_room:
        with contextlib.suppress(sqlite3.OperationalError):  # a reader: later rows use the pages
            connection.execute("vacuum")
