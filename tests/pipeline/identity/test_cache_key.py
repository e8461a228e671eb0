"""Which components run again when a fingerprint changes, by the keys of TFX's own cache."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
from tfx.dsl.compiler.compiler import Compiler
from tfx.orchestration import metadata
from tfx.orchestration.portable import inputs_utils
from tfx.orchestration.portable.cache_utils import get_cache_context
from tiny_dag import CODE, tiny_inputs

from pipeline import component_ids
from pipeline.dag import create_pipeline
from pipeline.identity.component_fingerprints import ComponentFingerprints

pytestmark = pytest.mark.component

#: Part -> components whose outputs it decides.
COMPONENTS = {
    "ingestion": {component_ids.IMAGE_EXAMPLE_GEN},
    "statistics": {component_ids.STATISTICS_GEN, component_ids.EXAMPLE_VALIDATOR},
    "data_gate": {component_ids.DATA_GATE},
    "preprocessing": {component_ids.TRANSFORM},
    "training": {component_ids.TRAINER},
    "tuning": set(),  # of `carryover tune` alone
    "evaluation": {component_ids.EVALUATOR},
    "serving_check": {component_ids.SERVING_CHECK},
}


class CacheKeys:
    """Cache keys of a DAG over one picture, without what inputs add to them."""

    def __init__(self, folder: Path) -> None:
        self._config, self._inputs = tiny_inputs(folder)
        self._connection = metadata.sqlite_metadata_connection_config(str(folder / "keys.sqlite"))

    def of(self, code: ComponentFingerprints) -> dict[str, str]:
        """Component id -> key."""
        pipeline = create_pipeline(self._config, replace(self._inputs, code=code))
        compiled = Compiler().compile(pipeline)
        keys = {}
        with metadata.Metadata(self._connection) as handle:
            for node in (one.pipeline_node for one in compiled.nodes):
                context = get_cache_context(
                    handle,
                    node,
                    compiled.pipeline_info,
                    parameters=inputs_utils.resolve_parameters(node.parameters),
                )
                keys[node.node_info.id] = context.name
        return keys


@pytest.fixture(name="keys", scope="module")
def _keys(tmp_path_factory: pytest.TempPathFactory) -> CacheKeys:
    return CacheKeys(tmp_path_factory.mktemp("dag"))


@pytest.mark.parametrize("part", [field.name for field in fields(ComponentFingerprints)])
def test_a_changed_fingerprint_changes_the_cache_keys_of_its_components_only(keys, part):
    before, after = keys.of(CODE), keys.of(replace(CODE, **{part: "changed"}))
    assert {node for node in before if before[node] != after[node]} == COMPONENTS[part]


def test_the_same_fingerprints_give_the_same_cache_keys(keys):
    assert keys.of(CODE) == keys.of(CODE)
