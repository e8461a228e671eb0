"""Lineage of a pipeline that TFX ran."""

from pathlib import Path

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact
from tfx.dsl.component.experimental.decorators import component
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.types import standard_artifacts

from pipeline.report.sections.lineage import read_lineage
from pipeline.running.launcher import Launcher


@component
def Maker(model: OutputArtifact[standard_artifacts.Model]) -> None:  # noqa: N802 (a component)
    Path(model.uri, "weights").write_text("1")


@component
def Reader(model: InputArtifact[standard_artifacts.Model]) -> None:  # noqa: N802 (a component)
    assert Path(model.uri, "weights").read_text() == "1"


def launch(root: Path, run_id: str) -> None:
    """Run both components, or answer them from the cache."""
    maker = Maker()
    nodes = [maker, Reader(model=maker.outputs["model"])]
    connection = sqlite_metadata_connection_config(str(root / "metadata.sqlite"))
    launcher = Launcher(
        Pipeline("pets", str(root / "artifacts"), connection, nodes, enable_cache=True), run_id
    )
    for node in launcher.nodes:
        launcher.launch(node)


def test_a_run_knows_what_it_read_and_made_and_what_came_from_the_cache(tmp_path):
    for run_id in ("first", "second"):
        launch(tmp_path, run_id)
    made, read = read_lineage(tmp_path / "metadata.sqlite", "first")
    assert (made.component, made.made, made.key, made.kind) == ("Maker", True, "model", "Model")
    assert made.uri == str(tmp_path / "artifacts" / "Maker" / "model" / "1")
    assert not made.cached
    assert (read.component, read.made, read.number) == ("Reader", False, made.number)
    again = read_lineage(tmp_path / "metadata.sqlite", "second")[0]
    assert again.cached
    assert again.number == made.number


def test_a_run_that_never_began_has_no_lineage(tmp_path):
    assert read_lineage(tmp_path / "metadata.sqlite", "first") == []
    launch(tmp_path, "first")
    assert read_lineage(tmp_path / "metadata.sqlite", "second") == []
