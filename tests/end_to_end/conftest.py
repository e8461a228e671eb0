"""One undisturbed run, which several tests look at or continue from."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command import carryover, draw_pictures, newest_summary, run_arguments
from filelock import FileLock
from tiny_exports import push_tiny

from components.pusher.version_store import VersionStore


@dataclass(frozen=True)
class Finished:
    """A workspace in which one run has pushed version 1, and what that run said.

    Attributes:
        path: The workspace. The tests of test_run.py continue in it, in their order.
        copy: A copy of it from before they did, for tests that want a serving version.
        summary: Summary of the run.
        output: Output of the run.
    """

    path: Path
    copy: Path
    summary: dict[str, Any]
    output: str


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all processes of this test session share."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def data(shared: Path) -> Path:
    """Shapes in three domains, and one file that is no picture. No test may change it."""
    folder = shared / "data"
    with FileLock(shared / "data.lock"):
        if not folder.exists():
            draw_pictures(folder)
            (folder / "paper" / "circle" / "broken.jpg").write_text("no picture")
    return folder


@pytest.fixture(scope="session")
def finished(shared: Path, data: Path) -> Finished:
    """The first run, done once by the process that needs it first."""
    workspace, copy = shared / "workspace", shared / "workspace-copy"
    result = shared / "finished.json"
    with FileLock(shared / "finished.lock"):
        if not result.exists():
            done = carryover(*run_arguments(data, workspace))
            assert done.returncode == 0, done.stdout + done.stderr
            shutil.copytree(workspace, copy, symlinks=True)
            result.write_text(json.dumps([newest_summary(workspace), done.stdout]))
    summary, output = json.loads(result.read_text())
    return Finished(workspace, copy, summary, output)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> VersionStore:
    """The versions of a model `shapes`: one that was pushed. Tests of a module push more."""
    versions = VersionStore(tmp_path_factory.mktemp("workspace"), "shapes")
    push_tiny(versions, versions.root / "first", seed=1)
    return versions
