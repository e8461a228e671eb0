"""Batches arrive while the watcher is killed again and again. It takes an hour: make soak."""

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
from command import ROOT, carryover, run_arguments
from test_retrain import SETTINGS, draw_batch, versions

from pipeline.retraining.ledger import OPEN, read_entries

pytestmark = pytest.mark.soak

BATCHES = 30

#: Seconds between two kills, at most: long enough for some passes to end.
PATIENCE = 45

#: Seconds for what is left after the last kill.
LAST = 3600


def test_every_batch_comes_to_one_end_whoever_is_killed_meanwhile(data, tmp_path):
    dice = random.Random(7)  # noqa: S311
    inbox, workspace = tmp_path / "inbox", tmp_path / "workspace"
    inbox.mkdir()
    for domain in ("paper", "blackboard"):
        shutil.copytree(data / domain, tmp_path / "data" / domain)
    done = carryover(*run_arguments(tmp_path / "data", workspace, gate__max_drop=1))
    assert done.returncode == 0, done.stdout + done.stderr

    for number in range(BATCHES):
        # Some are too small to be trained on, some come a second time.
        few = 2 if dice.random() < 0.5 else 24
        batch = inbox / f"{number:02d}"
        if number and dice.random() < 0.2:
            shutil.copytree(inbox / f"{dice.randrange(number):02d}", batch)
        else:
            draw_batch(batch, f"place {number % 4}", per_class=few, seed=number)
        watcher = watch(workspace, inbox)
        time.sleep(dice.uniform(1, PATIENCE))
        kill(watcher)
        check(workspace)

    watcher, deadline = watch(workspace, inbox), time.monotonic() + LAST
    while time.monotonic() < deadline and not finished(workspace):
        time.sleep(5)
    watcher.terminate()
    watcher.wait(120)
    check(workspace)
    entries = read_entries(workspace)
    assert sorted(entry.name for entry in entries) == [f"{n:02d}" for n in range(BATCHES)]
    assert all(entry.state != OPEN and entry.finished_at for entry in entries)
    pushed = sorted(entry.version for entry in entries if entry.state == "pushed")
    assert pushed == list(range(2, 2 + len(pushed)))
    assert versions(workspace) == sorted(map(str, range(1, 2 + len(pushed))))


def watch(workspace: Path, inbox: Path) -> subprocess.Popen[bytes]:
    """Start a watcher in a session of its own."""
    pairs = SETTINGS | {"retrain.epochs": 1, "gate.max_drop": 1}
    given = [part for key, value in pairs.items() for part in ("--set", f"{key}={value}")]
    folders = ["--workspace", str(workspace), "--inbox", str(inbox)]
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "watch", *folders, *given],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill(watcher: subprocess.Popen[bytes]) -> None:
    """SIGKILL for the watcher and for the pass that it runs."""
    import psutil

    passes = psutil.Process(watcher.pid).children(recursive=True)
    watcher.send_signal(signal.SIGKILL)
    watcher.wait()
    for process in passes:
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it ended by itself


def finished(workspace: Path) -> bool:
    """Whether every batch has come to its end."""
    entries = read_entries(workspace)
    return len(entries) == BATCHES and all(entry.state != OPEN for entry in entries)


def check(workspace: Path) -> None:
    """What serves is whole, whatever was killed."""
    for version in versions(workspace):
        folder = workspace / "serving" / "carryover" / version
        assert "serving_default" in tf.saved_model.load(str(folder)).signatures
