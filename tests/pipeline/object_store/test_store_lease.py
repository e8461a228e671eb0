import os
import time

import pytest

pytest.importorskip("obstore")

from store_writer import open_any_store

from pipeline.object_store.store_lease import EXPIRES_AFTER, StoreLease
from trainer_module.contract.errors import InputError


def lease(tmp_path, copy: str) -> StoreLease:
    """The lease for a command with a working copy."""
    return StoreLease(open_any_store(str(tmp_path / "store")), "s3://b/w", copy, "retrain")


def take(tmp_path, copy: str) -> None:
    """Take the lease, and neither renew nor release it, as a command that is killed."""
    lease(tmp_path, copy)._take()


def test_a_second_command_is_refused_until_the_first_has_ended(tmp_path):
    message = r"in use by `carryover retrain` on .* process \d+"
    with lease(tmp_path, "a").hold(), pytest.raises(InputError, match=message):
        take(tmp_path, "b")
    take(tmp_path, "b")


def test_the_lease_of_a_killed_command_expires(tmp_path):
    take(tmp_path, "a")
    with pytest.raises(InputError, match="in use"):
        take(tmp_path, "b")
    old = time.time() - EXPIRES_AFTER - 2
    os.utime(tmp_path / "store" / "leases" / "0000000001.json", (old, old))
    take(tmp_path, "b")
    with pytest.raises(InputError, match="in use"):
        take(tmp_path, "a")


def test_the_next_command_in_a_copy_does_not_wait_for_a_killed_one(tmp_path):
    """It has locked the copy, so that the other one is dead."""
    take(tmp_path, "a")
    take(tmp_path, "a")


def test_only_the_newest_lease_is_kept(tmp_path):
    for _ in range(3):
        with lease(tmp_path, "a").hold():
            pass
    assert [path.name for path in (tmp_path / "store" / "leases").iterdir()] == ["0000000003.json"]
