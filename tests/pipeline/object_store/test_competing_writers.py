"""Two writers, kills, and a reader, on a folder that stands for a store (`make s3-test`: on S3)."""

import subprocess
import sys

import pytest

pytest.importorskip("obstore")

import store_writer
from competing_writers import Competition, check_competition
from repository import ROOT
from store_writer import open_any_store, push_version, remote_workspace
from stored_versions import check_states, object_names, read_log, served_digests

from pipeline.object_store.state_chain import StateChain

pytestmark = pytest.mark.slow


def test_of_two_writers_that_are_killed_one_makes_each_version(tmp_path):
    competition = Competition(str(tmp_path / "store"), tmp_path)

    competition.run(versions=8, seed=1)

    check_competition(competition)


def test_a_push_that_is_killed_before_any_step_is_whole_or_nothing(tmp_path):
    """At every write to the store."""
    uri = str(tmp_path / "store")
    push_version(remote_workspace(uri, tmp_path / "healthy"))
    killed = 0
    for step in range(1, 100):
        before = StateChain(open_any_store(uri)).newest_number()
        log = tmp_path / f"{step}.log"
        code = run_writer(uri, tmp_path / f"copy-{step}", log, step)
        store = open_any_store(uri)
        check_states(store)
        now = StateChain(store).newest_number()
        if code == 0:
            assert now == before + 1
            break
        assert code == -9
        killed += 1
        assert now in (before, before + 1)
        assert set(served_digests(store)) <= set(range(1, now + 1))
        pushed = push_version(remote_workspace(uri, tmp_path / "healthy"))
        assert pushed["version"] == now + 1
        assert sorted(served_digests(store)) == list(range(1, now + 2))
    assert killed >= 8
    versions = {name.split("/")[2] for name in object_names(store, "serving")}
    assert sorted(map(int, versions)) == list(range(1, now + 1))


def run_writer(uri: str, copy: object, log: object, step: int) -> int:
    """Push one version in a process that kills itself before a step; return its exit code."""
    command = [sys.executable, store_writer.__file__, uri, str(copy), str(log), "1", str(step)]
    paths = f"{ROOT}:{ROOT / 'tests' / 'helpers'}"
    done = subprocess.run(command, env={"PYTHONPATH": paths}, capture_output=True, text=True)
    assert done.returncode in (0, -9), done.stderr
    return done.returncode


def test_a_killed_push_is_resumed_by_its_copy_if_nobody_else_has_pushed(tmp_path):
    uri, copy = str(tmp_path / "store"), tmp_path / "copy"
    assert run_writer(uri, copy, tmp_path / "log", 3) == -9

    remote = remote_workspace(uri, copy)
    remote.pull()
    remote.push("retrain")

    assert read_log(tmp_path / "log") == []
    assert list(served_digests(open_any_store(uri))) == [1]
