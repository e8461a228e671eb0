"""The undocumented names of TFX with which a pipeline is compiled and launched."""

from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2
from private_names import require
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.orchestration import metadata
from tfx.orchestration.pipeline import Pipeline

from components.compat.tfx_orchestration import CompiledPipeline
from trainer_module import data

pytestmark = pytest.mark.component

USED_IN = "components/compat/tfx_orchestration.py"
SCHEMA = Path(data.__file__).with_name("schema.pbtxt")
COMPLETE, CACHED = metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("tfx.dsl.compiler.compiler:Compiler.compile", ("tfx_pipeline",)),
        ("tfx.dsl.compiler.constants:PIPELINE_RUN_ID_PARAMETER_NAME", ()),
        (
            "tfx.orchestration.portable.runtime_parameter_utils:substitute_runtime_parameter",
            ("msg", "parameter_bindings"),
        ),
        ("tfx.orchestration.local.runner_utils:extract_local_deployment_config", ("pipeline",)),
        (
            "tfx.orchestration.local.runner_utils:extract_executor_spec",
            ("deployment_config", "node_id"),
        ),
        (
            "tfx.orchestration.local.runner_utils:extract_custom_driver_spec",
            ("deployment_config", "node_id"),
        ),
        (
            "tfx.orchestration.portable.launcher:Launcher",
            (
                "pipeline_node",
                "mlmd_connection",
                "pipeline_info",
                "pipeline_runtime_spec",
                "executor_spec",
                "custom_driver_spec",
            ),
        ),
        ("tfx.orchestration.portable.launcher:Launcher.launch", ("self",)),
        (
            "tfx.orchestration.portable.mlmd.execution_lib:get_output_artifacts",
            ("metadata_handle", "execution_id"),
        ),
        ("tfx.orchestration.metadata:Metadata", ("connection_config",)),
        ("tfx.orchestration.metadata:Metadata.store", ()),
    ],
)
def test_tfx_has_the_name(path, parameters):
    require(path, USED_IN, parameters)


def _compile(folder: Path, run_id: str) -> CompiledPipeline:
    pipeline = Pipeline(
        pipeline_name="tiny",
        pipeline_root=str(folder / "artifacts"),
        components=[ImportSchemaGen(schema_file=str(SCHEMA))],
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(folder / "metadata.sqlite")
        ),
        enable_cache=True,
    )
    return CompiledPipeline(pipeline, run_id)


def test_a_node_is_launched_and_recorded_and_then_comes_from_the_cache(tmp_path):
    first = _compile(tmp_path, "1")
    assert first.nodes == ["ImportSchemaGen"]
    outputs, state = first.launch("ImportSchemaGen")
    assert state == COMPLETE
    assert Path(outputs["schema"], "schema.pbtxt").read_text() == SCHEMA.read_text()
    again = _compile(tmp_path, "2")
    assert again.launch("ImportSchemaGen") == (outputs, CACHED)
    with again.metadata_store() as store:
        states = [record.last_known_state for record in store.get_executions()]
    assert states == [COMPLETE, CACHED]


def test_the_output_folders_of_an_execution_are_found_by_its_number(tmp_path):
    pipeline = _compile(tmp_path, "1")
    outputs, _ = pipeline.launch("ImportSchemaGen")
    with pipeline.metadata_store() as store:
        [record] = store.get_executions()
    assert pipeline.output_folders(record.id) == [Path(outputs["schema"])]
