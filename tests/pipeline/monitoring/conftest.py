"""Fixtures of `carryover monitor`."""

import shutil
from pathlib import Path

import pytest
from monitored_site import MonitoredSite
from tiny_workspace import serve_colours


@pytest.fixture(name="served", scope="session")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return serve_colours(tmp_path_factory.mktemp("served")).root


@pytest.fixture(name="site")
def _site(served: Path, tmp_path: Path) -> MonitoredSite:
    shutil.copytree(served, tmp_path / "workspace")
    site = MonitoredSite(tmp_path)
    site.write_config()
    return site
