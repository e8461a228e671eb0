"""Fixture of the choice of pictures: a tiny serving model."""

from pathlib import Path

import pytest
from tiny_workspace import serve_colours


@pytest.fixture(name="model", scope="session")
def _model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return serve_colours(tmp_path_factory.mktemp("served")).path(1)
