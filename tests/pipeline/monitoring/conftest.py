"""Fixtures of `carryover monitor`."""

import shutil
from pathlib import Path

import pytest
from monitored_site import MonitoredSite


@pytest.fixture(name="site")
def _site(served: Path, tmp_path: Path) -> MonitoredSite:
    shutil.copytree(served, tmp_path / "workspace")
    site = MonitoredSite(tmp_path)
    site.write_config()
    return site
