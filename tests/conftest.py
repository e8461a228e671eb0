"""Fixtures that several folders of tests share."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from repository import ROOT

if TYPE_CHECKING:
    from tiny_evaluation import Evaluated


# Before anything imports TensorFlow: its start-up messages would bury the failures.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

#: Files with these words hold no unit tests; a module-level mark cannot be seen without an import.
_NO_UNIT_TESTS = ("pytest.mark.component", "pytestmark = pytest.mark.slow")

RunPython = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session", autouse=True)
def _state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the logs of commands out of the home of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_flushing() -> Iterator[None]:
    """Leave files in the cache of the operating system: no test lasts until a power failure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(autouse=True)
def _last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what the command does to the loggers of its process, where a test calls it in ours."""
    monkeypatch.setattr(logging, "lastResort", logging.lastResort)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option behind `make check`."""
    parser.addoption(
        "--unit",
        action="store_true",
        help="run unit tests only: nothing that needs TFX, Beam or a whole run, nothing slow",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave files unread that hold no unit tests: importing TFX alone takes 15 s."""
    if not config.getoption("--unit") or collection_path.suffix != ".py":
        return None
    text = collection_path.read_text(encoding="utf-8")
    return True if any(words in text for words in _NO_UNIT_TESTS) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run files with slow tests first: no process is left alone with one at the end."""
    slow_files = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow_files)
    if config.getoption("--unit"):  # single slow tests of files with unit tests
        items[:] = [item for item in items if item.get_closest_marker("slow") is None]


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
    """Evaluation of a first model that is blessed in every domain."""
    from tiny_evaluation import evaluate

    from components.evaluation.gate.gate_options import GateOptions

    folder = tmp_path_factory.mktemp("blessed")
    return evaluate(folder, GateOptions(min_accuracy=0.5), ("day", "night"))


@pytest.fixture(scope="session")
def rejected(tmp_path_factory: pytest.TempPathFactory) -> "Evaluated":
    """Evaluation of a candidate that is worse than the baseline in a domain.

    The baseline does not know blue, so it classifies the bluish picture at night correctly: as red.
    Three pictures are from scanner A, those at night from scanner B.
    """
    from tiny_evaluation import evaluate
    from tiny_models import ColourModel

    from components.evaluation.gate.gate_options import GateOptions

    gate = GateOptions(min_accuracy=0.6, max_drop=0.02, metrics={"log_loss": 5.0})
    folder = tmp_path_factory.mktemp("rejected")
    return evaluate(
        folder,
        gate,
        ("day", "night", "fog"),
        ColourModel(("green", "red")),
        slices=(("scanner",),),
        values=[{"scanner": "A"}] * 3 + [{}] + [{"scanner": "B"}] * 2,
    )
