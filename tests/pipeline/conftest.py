"""A workspace with a tiny serving model, which tests of several rooms copy."""

from pathlib import Path

import pytest


@pytest.fixture(name="served", scope="session")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tiny_workspace import serve_colours  # it imports TensorFlow

    return serve_colours(tmp_path_factory.mktemp("served")).root
