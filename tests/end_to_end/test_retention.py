"""Retrainings in a workspace that is cleaned after each: all else works, and the disk is flat."""

import os
import shutil
import time
from pathlib import Path

import pytest
from command import DEFAULT_BACKBONE, QUICK, carryover, newest_summary, run_arguments
from test_kill import read_to, started
from test_retrain import SETTINGS, draw_batch, versions

#: Settings under which a retraining of a few pictures takes as little as it can. The backbone is a
#: usual one: beside the small one, the pictures themselves would take most of the disk.
SHORT = QUICK | {
    **DEFAULT_BACKBONE,
    "quality": "fast",
    "image_size": 32,
    "frozen.epochs": 1,
    "fine_tuning.epochs": 0,
    "retrain.epochs": 1,
    "retrain.views": 1,
    "retrain.min_pictures": 4,
    "retrain.good_enough": 1,
    "retrain.replay_per_domain": 20,
}

#: Limits that every candidate meets.
PUSHING = {"gate.max_drop": 1, "gate.class_max_drop": 1}

#: Retrainings of the soak, those after which the disk is measured, and the most that it may grow.
PASSES, FIRST, MAX_GROWTH = 100, 20, 1.3


def arguments(workspace: Path, *options: str, **settings: object) -> list[str]:
    pairs = SETTINGS | PUSHING | {"retention.keep": 2} | settings
    given = [part for key, value in pairs.items() for part in ("--set", f"{key}={value}")]
    folders = ("--workspace", str(workspace), "--inbox", str(workspace.parent / "inbox"))
    return ["retrain", *folders, *given, *options]


def done(*words: str, code: int = 0) -> str:
    """Run a command that has to end with a code, and return its output."""
    result = carryover(*words)
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout


def disk(folder: Path) -> int:
    """Bytes of the blocks of all files below a folder; one with several names counts once."""
    status = [Path(root, name).lstat() for root, _, names in os.walk(folder) for name in names]
    return sum({(one.st_dev, one.st_ino): one.st_blocks * 512 for one in status}.values())


@pytest.mark.slow
def test_after_cleanings_resume_accept_report_predict_and_rollback_work(finished, data, tmp_path):
    workspace, picture = tmp_path / "workspace", str(data / "paper" / "circle" / "00.png")
    shutil.copytree(finished.copy, workspace, symlinks=True)
    option = ("--workspace", str(workspace))
    draw_batch(tmp_path / "inbox" / "first", "paper", per_class=8, seed=2)
    done(*arguments(workspace))
    serving = int(versions(workspace)[-1])

    # A pass that is killed resumes after a cleaning, with what had finished.
    draw_batch(tmp_path / "inbox" / "second", "paper", per_class=8, seed=4)
    rejecting = arguments(workspace, **{"gate.min_accuracy": 1, "retention.keep": "null"})
    with started(rejecting) as (process, lines):
        read_to(lines, "+ Transform ")
        time.sleep(1)
        process.kill_group()
    done("clean", *option, "--keep", "2")
    assert "Transform          from cache" in done(*rejecting, code=3)

    # A rejected candidate can be accepted after a cleaning.
    done("clean", *option, "--keep", "2")
    run_id = newest_summary(workspace)["run_id"]
    done("accept", run_id, "--reason", "it is fine", *option)
    done("clean", *option, "--keep", "2")
    assert versions(workspace) == [str(serving), str(serving + 1)]
    assert "nothing to remove" in done("clean", *option, "--keep", "2")

    listed = done("versions", *option)
    assert f"{serving + 1} (serving)" in listed
    assert "1 (removed)" in listed
    assert all(name in done("history", *option) for name in ("first", "second", "pushed"))
    page = Path(done("report", "--history", *option).strip()).read_text()
    assert finished.summary["run_id"] in page
    done("report", *option)
    done("report", finished.summary["run_id"], *option)  # only its figures are left
    before = done("predict", picture, *option)
    done("rollback", *option)
    assert done("predict", picture, *option).split()[0] == before.split()[0]
    draw_batch(tmp_path / "inbox" / "third", "paper", per_class=8, seed=5)
    done(*arguments(workspace))
    assert versions(workspace) == [str(serving), str(serving + 2)]


@pytest.mark.soak
def test_the_disk_is_flat_over_a_hundred_retrainings(data, tmp_path):
    workspace, sizes = tmp_path / "workspace", []
    for domain in ("paper", "blackboard"):
        shutil.copytree(data / domain, tmp_path / "data" / domain)
    done(*run_arguments(tmp_path / "data", workspace, **SHORT))
    for number in range(PASSES):
        draw_batch(tmp_path / "inbox" / f"{number:03d}", "paper", per_class=4, seed=number)
        done(*arguments(workspace, **SHORT | {"retention.keep": 5}))
        sizes.append(disk(workspace))
        print(f"{number}: {sizes[-1] / 10**6:.1f} MB")
    assert sizes[PASSES - 1] <= MAX_GROWTH * sizes[FIRST - 1]
    assert len(versions(workspace)) == 5
    assert (workspace / "metadata.sqlite").stat().st_size < 2**20
