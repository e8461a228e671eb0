"""Which artifacts a run read and made, from ML Metadata."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Names that TFX gives to contexts in ML Metadata.
_RUN, _NODE = "pipeline_run", "node"


@dataclass(frozen=True)
class Link:
    """A component of a run and an artifact that it read or made.

    Attributes:
        component: id of the node.
        made: or read.
        key: name of the input or output.
        kind: type of the artifact.
        number: of the artifact in ML Metadata.
        uri: where it is.
        cached: whether an earlier run had made it.
    """

    component: str
    made: bool
    key: str
    kind: str
    number: int
    uri: str
    cached: bool


def read_lineage(database: Path, run_id: str) -> list[Link]:
    """Read what ML Metadata knows of a run, in the order of its components.

    Args:
        database: file of a workspace.
        run_id: of the run.

    Returns:
        Nothing where the run ended before its first component.
    """
    if not database.exists():
        return []
    from ml_metadata.metadata_store import MetadataStore
    from ml_metadata.proto import metadata_store_pb2

    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(database)
    connection.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    store = MetadataStore(connection)
    context = store.get_context_by_type_and_name(_RUN, run_id)
    if context is None:
        return []
    executions = sorted(store.get_executions_by_context(context.id), key=lambda one: one.id)
    return _links(store, executions, metadata_store_pb2)


def _links(store: Any, executions: list[Any], protos: Any) -> list[Link]:
    events = store.get_events_by_execution_ids([one.id for one in executions])
    artifacts = {
        one.id: one for one in store.get_artifacts_by_id([event.artifact_id for event in events])
    }
    made = {protos.Event.OUTPUT, protos.Event.DECLARED_OUTPUT}
    links = []
    for execution in executions:
        component = _component(store, execution.id)
        own = [event for event in events if event.execution_id == execution.id]
        for event in sorted(own, key=lambda event: event.type in made):
            artifact = artifacts[event.artifact_id]
            links.append(
                Link(
                    component=component,
                    made=event.type in made,
                    key=next((step.key for step in event.path.steps if step.key), ""),
                    kind=artifact.type,
                    number=artifact.id,
                    uri=artifact.uri,
                    cached=execution.last_known_state == protos.Execution.CACHED,
                )
            )
    return links


def _component(store: Any, execution: int) -> str:
    """Id of the node: TFX names its context `<pipeline>.<node>`."""
    contexts = store.get_contexts_by_execution(execution)
    names = [context.name for context in contexts if context.type == _NODE]
    return names[0].rpartition(".")[2] if names else ""
