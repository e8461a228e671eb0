"""Launches the nodes of a pipeline one by one, and tells which outputs came from the cache."""

import shutil

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration.pipeline import Pipeline

from components.compat.tfx_orchestration import CompiledPipeline

_State = metadata_store_pb2.Execution


class Launcher:
    """Runs what TFX's LocalDagRunner runs, but node by node.

    LocalDagRunner runs a whole pipeline in one call and does not tell what came from the cache.
    """

    def __init__(self, pipeline: Pipeline, run_id: str) -> None:
        """Compile a pipeline.

        Args:
            pipeline: Pipeline to run.
            run_id: Id of the run in ML Metadata.
        """
        self._pipeline = CompiledPipeline(pipeline, run_id)

    @property
    def nodes(self) -> list[str]:
        """Ids of the nodes in topological order."""
        return self._pipeline.nodes

    def launch(self, node: str) -> tuple[dict[str, str], bool]:
        """Run a node, or take its outputs from the cache.

        Args:
            node: Id of the node.

        Returns:
            URI of every output, by name, and whether they came from the cache.

        Raises:
            Exception: Whatever the executor of the node raises.
        """
        outputs, state = self._pipeline.launch(node)
        return outputs, state == _State.CACHED

    def discard_unfinished(self) -> None:
        """Remove the unfinished outputs of killed runs. The caller holds the workspace's lock."""
        with self._pipeline.metadata_store() as store:
            for record in store.get_executions():
                if record.last_known_state == _State.RUNNING:
                    for folder in self._pipeline.output_folders(record.id):
                        shutil.rmtree(folder)
                    record.last_known_state = _State.FAILED
                    store.put_executions([record])
