"""Batches arrive while the watcher is killed again and again. It takes about an hour: make soak."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tensorflow as tf
from command import DEFAULT_BACKBONE, carryover, run_arguments
from repository import ROOT
from test_retrain import SETTINGS, draw_batch, versions

from components.pusher.version_store import VersionStore
from pipeline.retraining.batch import OPEN
from pipeline.retraining.ledger import read_batches

pytestmark = pytest.mark.soak

#: Most batches, and the least of them.
BATCHES, LEAST_BATCHES = 30, 10

#: Seconds after which no more batches are delivered, so that a slow machine can finish, too.
DELIVERING = 1800

#: Largest time between two kills, as a multiple of the duration of the first training. It is long
#: enough for some passes to end.
MAX_PAUSE = 1.5

#: Versions and runs that the cleaning after every pass keeps. It is killed, too.
KEEP = 3

#: Time limit for the open batches after the last kill, in seconds.
LAST_TIMEOUT = 3600


def test_every_batch_gets_one_final_state_whichever_process_is_killed(data, tmp_path):
    rng = random.Random(7)  # noqa: S311
    inbox, workspace = tmp_path / "inbox", tmp_path / "workspace"
    inbox.mkdir()
    for domain in ("paper", "blackboard"):
        shutil.copytree(data / domain, tmp_path / "data" / domain)
    # The watcher and its passes are processes of their own, see `DEFAULT_BACKBONE`.
    settings = DEFAULT_BACKBONE | {"gate.max_drop": 1}
    start = time.monotonic()
    done = carryover(*run_arguments(tmp_path / "data", workspace, **settings))
    assert done.returncode == 0, done.stdout + done.stderr
    max_pause = MAX_PAUSE * (time.monotonic() - start)

    delivered, end = 0, time.monotonic() + DELIVERING
    while delivered < LEAST_BATCHES or (delivered < BATCHES and time.monotonic() < end):
        number, delivered = delivered, delivered + 1
        # Some batches are too small to be trained on, and some are duplicates.
        few = 2 if rng.random() < 0.5 else 24
        batch = inbox / f"{number:02d}"
        if number and rng.random() < 0.2:
            shutil.copytree(inbox / f"{rng.randrange(number):02d}", batch)
        else:
            draw_batch(batch, f"domain {number % 4}", per_class=few, seed=number)
        watcher = watch(workspace, inbox)
        time.sleep(rng.uniform(1, max_pause))
        kill(watcher)
        check(workspace)

    watcher, deadline = watch(workspace, inbox), time.monotonic() + LAST_TIMEOUT
    while time.monotonic() < deadline and not finished(workspace, delivered):
        time.sleep(5)
    watcher.terminate()
    watcher.wait(120)
    check(workspace)
    batches = read_batches(workspace)
    assert sorted(batch.name for batch in batches) == [f"{n:02d}" for n in range(delivered)]
    assert all(batch.state != OPEN and batch.finished_at for batch in batches)
    pushed = sorted(batch.version for batch in batches if batch.state == "pushed")
    assert pushed == list(range(2, 2 + len(pushed)))
    store = VersionStore(workspace, "carryover")
    served, removed = store.versions(), store.removed_versions()
    assert sorted([*served, *removed]) == list(range(1, 2 + len(pushed)))
    assert len(served) <= KEEP + 1  # and the baseline of the serving version


def watch(workspace: Path, inbox: Path) -> subprocess.Popen[bytes]:
    """Start a watcher."""
    pairs = SETTINGS | {"retrain.epochs": 1, "gate.max_drop": 1, "retention.keep": KEEP}
    given = [part for key, value in pairs.items() for part in ("--set", f"{key}={value}")]
    folders = ["--workspace", str(workspace), "--inbox", str(inbox)]
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "watch", *folders, *given],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill(watcher: subprocess.Popen[bytes]) -> None:
    """Send SIGKILL to the watcher and to the pass that it runs."""
    import psutil

    passes = psutil.Process(watcher.pid).children(recursive=True)
    watcher.send_signal(signal.SIGKILL)
    watcher.wait()
    for process in passes:
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it ended by itself


def finished(workspace: Path, delivered: int) -> bool:
    """Return whether every delivered batch has a final state."""
    batches = read_batches(workspace)
    return len(batches) == delivered and all(batch.state != OPEN for batch in batches)


def check(workspace: Path) -> None:
    """Check that every serving version is complete."""
    for version in versions(workspace):
        folder = workspace / "serving" / "carryover" / version
        assert "serving_default" in tf.saved_model.load(str(folder)).signatures
