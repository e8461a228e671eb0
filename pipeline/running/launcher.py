"""Launches the nodes of a pipeline one by one, and knows what each came to."""

import shutil
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import constants
from tfx.dsl.compiler.compiler import Compiler
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.orchestration.portable.mlmd import execution_lib

_State = metadata_store_pb2.Execution


class Launcher:
    """Does what TFX's LocalDagRunner does, node by node.

    LocalDagRunner runs the whole pipeline in one call and says nothing of what was cached.
    """

    def __init__(self, pipeline: Pipeline, run_id: str) -> None:
        self._root = Path(pipeline.pipeline_info.pipeline_root)
        self._ir = Compiler().compile(pipeline)
        runtime_parameter_utils.substitute_runtime_parameter(
            self._ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
        )
        self._deployment = runner_utils.extract_local_deployment_config(self._ir)
        connections = self._deployment.metadata_connection_config
        self._connection = getattr(connections, connections.WhichOneof("connection_config"))
        self._nodes = {
            node.pipeline_node.node_info.id: node.pipeline_node for node in self._ir.nodes
        }

    @property
    def nodes(self) -> list[str]:
        """Ids of the nodes, each after those that it needs."""
        return list(self._nodes)

    def launch(self, node: str) -> tuple[dict[str, str], bool]:
        """Run a node, or answer it from the cache.

        Returns:
            Output name -> URI, and whether the cache answered.

        Raises:
            Exception: whatever the node's executor raises.
        """
        execution = launcher.Launcher(
            pipeline_node=self._nodes[node],
            mlmd_connection=metadata.Metadata(self._connection),
            pipeline_info=self._ir.pipeline_info,
            pipeline_runtime_spec=self._ir.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(self._deployment, node),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(self._deployment, node),
        ).launch()
        if execution is None:
            raise RuntimeError(f"TFX did not run {node}")
        with metadata.Metadata(self._connection) as handle:
            outputs = execution_lib.get_output_artifacts(handle, execution.execution_id)
            [record] = handle.store.get_executions_by_id([execution.execution_id])
        uris = {name: artifacts[0].uri for name, artifacts in outputs.items()}
        return uris, record.last_known_state == _State.CACHED

    def discard_unfinished(self) -> None:
        """Remove what killed runs left half done. The caller holds the workspace's lock."""
        with metadata.Metadata(self._connection) as handle:
            for record in handle.store.get_executions():
                if record.last_known_state == _State.RUNNING:
                    for leftover in self._root.glob(f"*/*/{record.id}"):
                        shutil.rmtree(leftover)
                    record.last_known_state = _State.FAILED
                    handle.store.put_executions([record])
