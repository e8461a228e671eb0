"""When the process of the ServingCheck is started ahead."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from components.serving_check import probe_process
from pipeline.running import launch_components as module
from pipeline.running.launch_components import launch_components

pytestmark = pytest.mark.component

NODES = ["ImageExampleGen", "Trainer", "Evaluator", "ServingCheck"]


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
            return dict.fromkeys(("model", "examples"), str(tmp_path)), cached

        monkeypatch.setattr(module, "collect_lists", lambda *_: None)
        run = SimpleNamespace(component=lambda _: nullcontext(SimpleNamespace()))
        with nullcontext() if not failing else pytest.raises(ValueError, match=failing):
            launch_components(run, SimpleNamespace(nodes=NODES, launch=launch_one))
        return counts

    return launch


def test_it_starts_after_the_training(waiting):
    assert waiting() == dict(zip(NODES, (0, 0, 1, 1), strict=True))
    assert probe_process._ahead == []


def test_it_does_not_start_where_the_model_is_known(waiting):
    assert waiting(cached=True) == dict.fromkeys(NODES, 0)


def test_it_ends_where_the_evaluator_fails(waiting):
    assert waiting(failing="Evaluator") == dict(zip(NODES[:3], (0, 0, 1), strict=True))
    assert probe_process._ahead == []
