"""The DAG, compiled by TFX."""

from pathlib import Path
from typing import get_args

import pytest
from tiny_dag import tiny_inputs

from pipeline import component_ids
from pipeline.dag import create_pipeline
from pipeline.running.launcher import Launcher

pytestmark = pytest.mark.component

NODES = [
    *("ImageExampleGen", "StatisticsGen", "ImportSchemaGen", "ExampleValidator", "DataGate"),
    *("Transform", "Trainer", "Evaluator", "ServingCheck", "Pusher"),
]


def compiled(folder: Path, baseline: str | None, candidate: str | None = None) -> Launcher:
    return Launcher(create_pipeline(*tiny_inputs(folder, baseline, candidate)), "run")


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


def test_a_candidate_of_an_earlier_run_is_evaluated_in_place_of_a_training(tmp_path):
    nodes = compiled(tmp_path, str(tmp_path / "baseline"), str(tmp_path / "candidate")).nodes
    assert {*nodes} == {*NODES, "Baseline", "Candidate"} - {"Transform", "Trainer"}
    order = positions(nodes, "DataGate", "Candidate", "Evaluator", "Pusher")
    assert order == sorted(order)


def test_every_component_id_has_a_constant_and_every_constant_is_a_component_id(tmp_path):
    constants = [value for name, value in vars(component_ids).items() if name.isupper()]
    assert sorted(constants) == sorted([*NODES, "Baseline", "Candidate", "Tuner"])
    assert sorted(get_args(component_ids.ComponentId)) == sorted(constants)
    nodes = compiled(tmp_path, str(tmp_path / "baseline")).nodes
    assert {*nodes} == {*constants} - {"Candidate", "Tuner"}
