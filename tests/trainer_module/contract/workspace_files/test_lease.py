"""The lease of a workspace, which outlives the processes of a run."""

import os
import time
from pathlib import Path

import pytest

from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.workspace_files import lease as lease_module
from trainer_module.contract.workspace_files.lease import (
    EXPIRES_AFTER,
    FILE,
    Lease,
    leased,
    release_lease,
)


def let_expire(workspace: Path) -> None:
    earlier = time.time() - EXPIRES_AFTER - 60
    os.utime(workspace / FILE, (earlier, earlier))


def test_a_lease_is_there_until_it_is_released_by_its_holder(tmp_path):
    assert Lease.read(tmp_path) is None
    mine = Lease("run-1", "20260101-000000")
    mine.write(tmp_path)
    release_lease(tmp_path, "run-2")
    assert Lease.read(tmp_path) == mine
    release_lease(tmp_path, "run-1")
    assert Lease.read(tmp_path) is None
    release_lease(tmp_path, "run-1")  # an exit task releases it again


def test_a_lease_that_nobody_renews_expires_and_its_steps_are_refused(tmp_path):
    Lease("run-1", "20260101-000000").write(tmp_path)
    let_expire(tmp_path)
    assert Lease.read(tmp_path) is None
    lost = pytest.raises(UnavailableError, match=r"no longer reserved for run run-1: .*6 hours")
    with lost, leased(tmp_path, "run-1"):
        pass


def test_a_step_of_another_run_is_refused(tmp_path):
    Lease("run-2", "20260101-000001").write(tmp_path)
    lost = pytest.raises(UnavailableError, match="no longer reserved for run run-1")
    with lost, leased(tmp_path, "run-1"):
        pass


def test_a_step_renews_the_lease_while_it_works(tmp_path, monkeypatch):
    monkeypatch.setattr(lease_module, "RENEW_EVERY", 0.01)
    Lease("run-1", "20260101-000000").write(tmp_path)
    with leased(tmp_path, "run-1") as lease:
        assert lease.run_id == "20260101-000000"
        for _ in range(2):  # at its start, and again
            os.utime(tmp_path / FILE, (time.time() - 3600,) * 2)
            deadline = time.monotonic() + 10
            while time.time() - (tmp_path / FILE).stat().st_mtime > 1800:
                assert time.monotonic() < deadline
                time.sleep(0.01)


def test_a_damaged_lease_names_its_file_and_what_to_do(tmp_path):
    (tmp_path / FILE).write_text("{")
    with pytest.raises(UnavailableError, match=r"\.lease.*remove the file"):
        Lease.read(tmp_path)
