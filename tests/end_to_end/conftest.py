"""One undisturbed run, which several tests look at or go on from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command import carryover, draw_pictures, newest_summary, run_arguments


@dataclass(frozen=True)
class Finished:
    """A workspace in which one run has pushed version 1, and what that run said."""

    path: Path
    summary: dict[str, Any]
    output: str


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shapes in three domains, and one file that is no picture."""
    folder = draw_pictures(tmp_path_factory.mktemp("data"))
    (folder / "paper" / "circle" / "broken.jpg").write_text("no picture")
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Finished:
    """The first run."""
    workspace = tmp_path_factory.mktemp("workspace")
    done = carryover(*run_arguments(data, workspace))
    assert done.returncode == 0, done.stdout + done.stderr
    return Finished(workspace, newest_summary(workspace), done.stdout)
