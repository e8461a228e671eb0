"""Fixtures of retraining: a workspace with a tiny serving model, and an inbox."""

import shutil
from pathlib import Path

import pytest
from retraining_site import RetrainingSite


@pytest.fixture(name="site")
def _site(served: Path, tmp_path: Path, loaded_models: None) -> RetrainingSite:
    shutil.copytree(served, tmp_path / "workspace")
    return RetrainingSite(tmp_path)
