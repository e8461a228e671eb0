"""Lineage of a pipeline that TFX has run."""

from pathlib import Path

import pytest
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact
from tfx.dsl.component.experimental.decorators import component
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.types import standard_artifacts

from pipeline.report.lineage import read_lineage
from pipeline.running.launcher import Launcher

pytestmark = pytest.mark.component


@component
def Maker(model: OutputArtifact[standard_artifacts.Model]) -> None:  # noqa: N802 (a component)
    Path(model.uri, "weights").write_text("1")


@component
def Reader(model: InputArtifact[standard_artifacts.Model]) -> None:  # noqa: N802 (a component)
    assert Path(model.uri, "weights").read_text() == "1"


def launch(root: Path, run_id: str) -> None:
    """Run both components, or take their outputs from the cache."""
    maker = Maker()
    nodes = [maker, Reader(model=maker.outputs["model"])]
    connection = sqlite_metadata_connection_config(str(root / "metadata.sqlite"))
    launcher = Launcher(
        Pipeline("pets", str(root / "artifacts"), connection, nodes, enable_cache=True), run_id
    )
    for node in launcher.nodes:
        launcher.launch(node)


def test_lineage_lists_inputs_and_outputs_and_tells_cached_ones(tmp_path):
    for run_id in ("first", "second"):
        launch(tmp_path, run_id)
    output, used = read_lineage(tmp_path / "metadata.sqlite", "first")
    assert (output.component, output.is_output) == ("Maker", True)
    assert (output.key, output.artifact_type) == ("model", "Model")
    assert output.uri == str(tmp_path / "artifacts" / "Maker" / "model" / "1")
    assert not output.cached
    assert (used.component, used.is_output, used.artifact_id) == (
        "Reader",
        False,
        output.artifact_id,
    )
    again = read_lineage(tmp_path / "metadata.sqlite", "second")[0]
    assert again.cached
    assert again.artifact_id == output.artifact_id


def test_a_run_without_components_has_no_lineage(tmp_path):
    assert read_lineage(tmp_path / "metadata.sqlite", "first") == []
    launch(tmp_path, "first")
    assert read_lineage(tmp_path / "metadata.sqlite", "second") == []
