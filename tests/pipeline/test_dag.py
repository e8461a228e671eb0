"""The DAG, compiled by TFX."""

from pathlib import Path

from tiny_pictures import write_files

from pipeline.config.config_file import load_config
from pipeline.dag import Inputs, create_pipeline
from pipeline.inputs.snapshot import take_snapshot
from pipeline.running.identity import CodeFingerprints
from pipeline.running.launcher import Launcher

NODES = [
    *("ImageExampleGen", "StatisticsGen", "ImportSchemaGen", "ExampleValidator", "DataGate"),
    *("Transform", "Trainer", "Evaluator", "ServingCheck", "Pusher"),
]


def compiled(folder: Path, baseline: str | None) -> Launcher:
    snapshot = take_snapshot(
        str(write_files(folder / "data", {"day/cat/a.png": b""})), folder / "in"
    )
    config = load_config(None, [], {"data": snapshot.data_root, "workspace": folder / "workspace"})
    inputs = Inputs(
        data_root=snapshot.data_root,
        listing=str(snapshot.path),
        digest=snapshot.digest,
        domains=snapshot.domains,
        known_domains=snapshot.domains if baseline else None,
        files=snapshot.files,
        empty_classes=(),
        schema="schema.pbtxt",
        code=CodeFingerprints("1", "2", "3", "4", "5", "6"),
        run_id="run",
        run_key="key",
        baseline_uri=baseline,
        baseline_version=1 if baseline else 0,
    )
    return Launcher(create_pipeline(config, inputs), "run")


def positions(nodes: list[str], *names: str) -> list[int]:
    return [nodes.index(name) for name in names]


def test_a_first_run_has_no_baseline_and_every_component_after_those_it_needs(tmp_path):
    nodes = compiled(tmp_path, None).nodes
    assert sorted(nodes) == sorted(NODES)
    order = positions(nodes, "ImageExampleGen", "Transform", "Trainer", "Evaluator", "Pusher")
    assert order == sorted(order)
    order = positions(nodes, "Trainer", "ServingCheck", "Pusher")
    assert order == sorted(order)


def test_a_later_run_compares_with_the_baseline(tmp_path):
    nodes = compiled(tmp_path, str(tmp_path / "baseline")).nodes
    assert sorted(nodes) == sorted([*NODES, "Baseline"])
    order = positions(nodes, "Baseline", "Trainer", "Evaluator")
    assert order == sorted(order)
