"""When the process of the ServingCheck is started ahead."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from components.serving_check import probe_process
from pipeline.running.launch_components import launch_components

pytestmark = pytest.mark.component

NODES = ["Trainer", "Evaluator", "ServingCheck"]


@pytest.fixture(name="waiting")
def _waiting(tmp_path, monkeypatch):
    """Launches the components; returns how many processes wait while each of them works."""
    program = tmp_path / "probe.py"
    program.write_text("import sys\nsys.stdin.readline()\n")
    monkeypatch.setattr(probe_process.probe, "__file__", str(program))

    def launch(cached: bool = False, failing: str = "") -> dict[str, int]:
        counts = {}

        def launch_one(node: str) -> tuple[dict[str, str], bool]:
            counts[node] = len(probe_process._ahead)
            if node == failing:
                raise ValueError(node)
            return {"model": str(tmp_path)} if node == "Trainer" else {}, cached

        run = SimpleNamespace(
            component=lambda _: nullcontext(SimpleNamespace()),
            suspect_labels=tmp_path / "suspect-labels.csv",
        )
        with nullcontext() if not failing else pytest.raises(ValueError, match=failing):
            launch_components(run, SimpleNamespace(nodes=NODES, launch=launch_one))
        return counts

    return launch


def test_it_starts_after_the_training(waiting):
    assert waiting() == {"Trainer": 0, "Evaluator": 1, "ServingCheck": 1}
    assert probe_process._ahead == []


def test_it_does_not_start_where_the_model_is_known(waiting):
    assert waiting(cached=True) == {"Trainer": 0, "Evaluator": 0, "ServingCheck": 0}


def test_it_ends_where_the_evaluator_fails(waiting):
    assert waiting(failing="Evaluator") == {"Trainer": 0, "Evaluator": 1}
    assert probe_process._ahead == []
