"""Fixtures of `carryover select`: a workspace with a tiny serving model, and an inbox."""

import shutil
from pathlib import Path

import pytest
from retraining_site import RetrainingSite
from tiny_workspace import serve_colours


@pytest.fixture(name="served", scope="session")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return serve_colours(tmp_path_factory.mktemp("served")).root


@pytest.fixture(name="site")
def _site(served: Path, tmp_path: Path) -> RetrainingSite:
    shutil.copytree(served, tmp_path / "workspace")
    return RetrainingSite(tmp_path)
