"""Fixtures of batches without labels: a workspace whose only batch awaits labels."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from candidate_runs import OPTIONS, CandidateRuns, deliver_unlabelled
from retraining_site import RetrainingSite


@pytest.fixture(name="awaiting", scope="session")
def _awaiting(
    served: Path, tmp_path_factory: pytest.TempPathFactory, load_once: Callable[..., Any]
) -> Path:
    """A workspace whose only batch awaits labels."""
    folder = tmp_path_factory.mktemp("awaiting")
    shutil.copytree(served, folder / "workspace")
    site = RetrainingSite(folder)
    deliver_unlabelled(site, "dark")
    with mock.patch("tensorflow.saved_model.load", load_once):
        assert site.run(CandidateRuns(site), **OPTIONS) == 4
    return site.workspace


@pytest.fixture(name="waiting")
def _waiting(awaiting: Path, tmp_path: Path, loaded_models: None) -> RetrainingSite:
    shutil.copytree(awaiting, tmp_path / "workspace", symlinks=True)
    return RetrainingSite(tmp_path)
