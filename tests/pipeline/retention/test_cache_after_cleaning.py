"""TFX's cache after a cleaning: what is kept answers, and what is removed is computed again."""

from pathlib import Path

import pytest
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.types import standard_artifacts

from pipeline.report.lineage import check_artifacts, newest_execution, read_lineage
from pipeline.retention.cleaning import clean_workspace
from pipeline.retention.kept_state import PendingBatches
from pipeline.retention.metadata_rows import find_rows, remove_rows
from pipeline.retention.unneeded_files import artifacts
from pipeline.running.launcher import Launcher
from pipeline.workspace import Workspace

pytestmark = pytest.mark.component


@component
def Maker(  # noqa: N802 (a component)
    model: OutputArtifact[standard_artifacts.Model], weights: Parameter[str]
) -> None:
    Path(model.uri, "weights").write_text(weights)


@component
def Reader(  # noqa: N802 (a component)
    model: InputArtifact[standard_artifacts.Model], copy: OutputArtifact[standard_artifacts.Model]
) -> None:
    Path(copy.uri, "weights").write_text(Path(model.uri, "weights").read_text())


def launch(workspace: Workspace, number: int, weights: str) -> list[bool]:
    """Run both components, and return which outputs came from the cache."""
    run_id = f"20240101-{number:06d}"
    (workspace.runs / run_id).mkdir(parents=True)
    maker = Maker(weights=weights)
    nodes = [maker, Reader(model=maker.outputs["model"])]
    connection = sqlite_metadata_connection_config(str(workspace.metadata))
    pipeline = Pipeline("pets", str(workspace.artifacts), connection, nodes, enable_cache=True)
    launcher = Launcher(pipeline, run_id)
    launcher.discard_unfinished()
    results = [launcher.launch(node) for node in launcher.nodes]
    for outputs, _ in results:
        assert all(Path(uri, "weights").read_text() == weights for uri in outputs.values())
    return [cached for _, cached in results]


def test_kept_executions_answer_and_removed_ones_are_computed_again_under_new_numbers(tmp_path):
    workspace = Workspace(tmp_path)
    for number, weights in enumerate("abcd"):
        assert launch(workspace, number, weights) == [False, False]
    assert launch(workspace, 4, "a") == [True, True]
    clean_workspace(workspace, 2, PendingBatches)  # of "d", and of "a" from the cache
    check_artifacts(workspace)
    newest = newest_execution(workspace.metadata)
    assert newest == 10
    assert launch(workspace, 5, "a") == launch(workspace, 6, "d") == [True, True]
    assert launch(workspace, 7, "b") == [False, False]
    made = read_lineage(workspace.metadata, "20240101-000007")
    assert {Path(one.uri).name for one in made if one.is_output} == {"15", "16"}
    assert [one.cached for one in read_lineage(workspace.metadata, "20240101-000005")] == [True] * 3


def test_without_its_artifacts_the_newest_execution_answers_for_nothing_and_keeps_its_number(
    tmp_path,
):
    workspace = Workspace(tmp_path)
    assert launch(workspace, 0, "a") == launch(workspace, 1, "b") == [False, False]
    rows = find_rows(workspace.metadata, ["20240101-000000"], newest=0, keeps_newest=False)
    assert rows.removed == 2
    remove_rows(workspace.metadata, rows)
    for removal in artifacts(workspace, rows):
        removal.carry_out()
    check_artifacts(workspace)
    assert newest_execution(workspace.metadata) == 4
    assert launch(workspace, 2, "a") == [True, True]
    assert launch(workspace, 3, "b") == [False, False]
    made = read_lineage(workspace.metadata, "20240101-000003")
    assert {Path(one.uri).name for one in made if one.is_output} == {"7", "8"}
