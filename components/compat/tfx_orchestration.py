"""How TFX compiles a pipeline and launches its nodes, beyond its documented API.

`LocalDagRunner`, the documented way, runs a whole pipeline in one call and does not tell what came
from the cache. `tests/components/compat/test_tfx_orchestration.py` fails when a new TFX moves any
of what is used here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tfx.dsl.compiler import constants
from tfx.dsl.compiler.compiler import Compiler
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.orchestration.portable.mlmd import execution_lib

from components.compat.cached_beam_lookups import cached_beam_lookups


class Execution(NamedTuple):
    """Result of one launched node.

    Attributes:
        outputs: URI of every output, by name.
        state: Last state in ML Metadata, a value of `metadata_store_pb2.Execution.State`.
    """

    outputs: dict[str, str]
    state: int


class CompiledPipeline:
    """A pipeline whose nodes are launched one by one, as `LocalDagRunner` launches all of them."""

    def __init__(self, pipeline: Pipeline, run_id: str) -> None:
        """Compile a pipeline.

        Args:
            pipeline: Pipeline with a root folder and a connection to ML Metadata.
            run_id: Id of the run in ML Metadata.
        """
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
        """Ids of the nodes in topological order."""
        return list(self._nodes)

    def launch(self, node: str) -> Execution:
        """Run a node, or take its outputs from the cache.

        Args:
            node: Id of the node.

        Raises:
            RuntimeError: TFX skipped the node.
            Exception: Whatever the executor of the node raises.
        """
        component = launcher.Launcher(
            pipeline_node=self._nodes[node],
            mlmd_connection=metadata.Metadata(self._connection),
            pipeline_info=self._ir.pipeline_info,
            pipeline_runtime_spec=self._ir.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(self._deployment, node),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(self._deployment, node),
        )
        with cached_beam_lookups():
            execution = component.launch()
        if execution is None:
            raise RuntimeError(f"TFX skipped the component {node}.")
        with metadata.Metadata(self._connection) as handle:
            outputs = execution_lib.get_output_artifacts(handle, execution.execution_id)
            [record] = handle.store.get_executions_by_id([execution.execution_id])
        uris = {name: artifacts[0].uri for name, artifacts in outputs.items()}
        return Execution(uris, record.last_known_state)

    @contextmanager
    def metadata_store(self) -> Iterator[Any]:
        """Open the connection to ML Metadata.

        Yields:
            The `ml_metadata.MetadataStore` of the pipeline.
        """
        with metadata.Metadata(self._connection) as handle:
            yield handle.store

    def output_folders(self, execution_id: int) -> list[Path]:
        """Return the folders that TFX made for the outputs of an execution.

        Args:
            execution_id: Id of the execution in ML Metadata.
        """
        # TFX's layout: <root>/<node>/<output>/<execution>, see `tfx.orchestration.portable`.
        return sorted(self._root.glob(f"*/*/{execution_id}"))
