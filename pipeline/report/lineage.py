"""Lineage of a run: the input and output artifacts of its components, from ML Metadata."""

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipeline.workspace import Workspace
from trainer_module.contract.errors import UnavailableError

#: Types of the contexts by which TFX groups executions: one per run, and one per node.
_RUN_CONTEXT, _NODE_CONTEXT = "pipeline_run", "node"

_EXECUTIONS = "select name from sqlite_master where name = 'Execution'"


@dataclass(frozen=True)
class LineageEvent:
    """Event of ML Metadata: a component used an artifact.

    Attributes:
        component: Id of the component.
        is_output: Whether the artifact is an output of the component, or else an input.
        key: Name of the input or output.
        artifact_type: Type of the artifact.
        artifact_id: Id of the artifact in ML Metadata.
        uri: URI of the artifact.
        cached: Whether the outputs of the component come from TFX's cache.
    """

    component: str
    is_output: bool
    key: str
    artifact_type: str
    artifact_id: int
    uri: str
    cached: bool


def read_lineage(database: Path, run_id: str) -> list[LineageEvent]:
    """Return the events of a run, in the order of its components, inputs first.

    Args:
        database: SQLite file of ML Metadata.
        run_id: Id of the run.

    Returns:
        An empty list if the run ended before its first component.

    Raises:
        UnavailableError: The database is unreadable or damaged.
    """
    if not newest_execution(database):
        return []
    from ml_metadata.metadata_store import MetadataStore
    from ml_metadata.proto import metadata_store_pb2

    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(database)
    connection.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    store = MetadataStore(connection)
    context = store.get_context_by_type_and_name(_RUN_CONTEXT, run_id)
    if context is None:
        return []
    executions = sorted(store.get_executions_by_context(context.id), key=lambda one: one.id)
    return _events(store, executions, metadata_store_pb2)


def newest_execution(database: Path, will_write: bool = False) -> int:
    """Return the highest id of an execution in ML Metadata; 0 if there is none.

    ML Metadata itself tries ten times to open a database, for about a minute, and does not say
    which one it is.

    Args:
        database: SQLite file of ML Metadata.
        will_write: Whether the caller is going to write to it.

    Raises:
        UnavailableError: The database is unreadable, damaged or locked, or is to be written to and
            read-only.
    """
    if not database.exists():
        return 0
    address = f"file:{quote(str(database))}?mode={'rw' if will_write else 'ro'}"
    try:
        with contextlib.closing(sqlite3.connect(address, timeout=30, uri=True)) as connection:
            connection.execute("begin immediate" if will_write else "begin")
            ((result,),) = connection.execute("pragma quick_check(1)").fetchall()
            if result != "ok":
                raise sqlite3.DatabaseError(result.splitlines()[-1])
            if not connection.execute(_EXECUTIONS).fetchone():
                return 0
            return int(connection.execute("select max(id) from Execution").fetchone()[0] or 0)
    except sqlite3.OperationalError as error:
        raise UnavailableError(
            f"ML Metadata {database}: {error}. Make the file and its folder readable and writable "
            "for this user, close programs that use it, and run the command again."
        ) from None
    except sqlite3.DatabaseError as error:
        raise UnavailableError(
            f"ML Metadata {database} is damaged: {error}. Restore it from a backup, or move it and "
            f"the folder {database.parent / 'artifacts'} away: then the next run computes its "
            "components again, and reports of earlier runs lack the pictures."
        ) from None


def check_artifacts(workspace: Workspace) -> None:
    """Refuse artifacts that ML Metadata does not know.

    TFX numbers the folders of artifacts by executions. Where its database was lost, or is older
    than the folders, a run would mix its files with those of an earlier one.

    Raises:
        UnavailableError: ML Metadata is unreadable, damaged or locked, or lacks executions of the
            workspace.
    """
    newest = newest_execution(workspace.metadata, will_write=True)
    folders = workspace.artifacts.glob("*/*/*")
    numbers = [int(path.name) for path in folders if path.name.isdecimal()]
    if max(numbers, default=0) > newest:
        raise UnavailableError(
            f"folder {workspace.artifacts} holds outputs that {workspace.metadata} does not know: "
            f"the database is missing or too old. Restore it from a backup, or move both away: "
            "then the run computes its components again."
        )


def _events(store: Any, executions: list[Any], protos: Any) -> list[LineageEvent]:
    stored = store.get_events_by_execution_ids([one.id for one in executions])
    artifacts = {
        one.id: one for one in store.get_artifacts_by_id([event.artifact_id for event in stored])
    }
    output_types = {protos.Event.OUTPUT, protos.Event.DECLARED_OUTPUT}
    events = []
    for execution in executions:
        component = _component_id(store, execution.id)
        own = [event for event in stored if event.execution_id == execution.id]
        for event in sorted(own, key=lambda event: event.type in output_types):
            artifact = artifacts[event.artifact_id]
            events.append(
                LineageEvent(
                    component=component,
                    is_output=event.type in output_types,
                    key=next((step.key for step in event.path.steps if step.key), ""),
                    artifact_type=artifact.type,
                    artifact_id=artifact.id,
                    uri=artifact.uri,
                    cached=execution.last_known_state == protos.Execution.CACHED,
                )
            )
    return events


def _component_id(store: Any, execution_id: int) -> str:
    """Return the id of the component: TFX names the context `<pipeline>.<component>`."""
    contexts = store.get_contexts_by_execution(execution_id)
    names = [context.name for context in contexts if context.type == _NODE_CONTEXT]
    return names[0].rpartition(".")[2] if names else ""
