"""Fixtures that several folders of tests share."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tiny_evaluation import Evaluated

ROOT = Path(__file__).resolve().parent.parent

# Before anything imports TensorFlow: its start-up messages would bury the failures.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

RunPython = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_python(tmp_path: Path) -> RunPython:
    """Runs a Python process with this repository on its path, in an empty folder."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="session")
def blessed(tmp_path_factory: pytest.TempPathFactory) -> "Evaluated":
    """What the Evaluator leaves behind a first model that is good enough in every domain."""
    from tiny_evaluation import evaluate

    from components.evaluation.gate_options import GateOptions

    folder = tmp_path_factory.mktemp("blessed")
    return evaluate(folder, GateOptions(min_accuracy=0.5), ("day", "night"))


@pytest.fixture(scope="session")
def refused(tmp_path_factory: pytest.TempPathFactory) -> "Evaluated":
    """What the Evaluator leaves where a domain got worse than with the baseline.

    The baseline does not know blue, so it takes the blue picture at night for what it is: red.
    """
    from tiny_evaluation import evaluate
    from tiny_models import ColourModel

    from components.evaluation.gate_options import GateOptions

    gate = GateOptions(min_accuracy=0.6, max_drop=0.02)
    folder = tmp_path_factory.mktemp("refused")
    return evaluate(folder, gate, ("day", "night", "fog"), ColourModel(("green", "red")))
