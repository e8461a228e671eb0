"""`carryover retrain` on real pictures and TFX's real components."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command import SHAPES, SIZE, carryover, drawn, newest_summary, save
from PIL import Image
from repository import ROOT

from trainer_module.export.model_description import read_description, unlabelled_domains

pytestmark = pytest.mark.slow

#: Settings for runs of a few seconds on a handful of pictures.
SETTINGS = {
    "retrain.epochs": 2,
    "retrain.views": 1,
    "retrain.min_pictures": 10,
    "retrain.good_enough": 1,
    "gate.min_accuracy": 0,  # of the first run, whose --set does not hold for retrainings
}


def draw_batch(
    folder: Path, domain: str, shuffled: bool = False, per_class: int = 24, seed: int = 4
) -> Path:
    """Draw shapes on a mosaic; shuffled labels carry no information."""
    rng = np.random.default_rng(seed)
    for shape in SHAPES:
        for number in range(per_class):
            blocks = rng.integers(0, 256, (SIZE // 8, SIZE // 8, 3), np.uint8)
            ground = np.kron(blocks, np.ones((8, 8, 1), np.uint8))
            pixels = np.array(drawn(shape, 255, rng))
            is_ink = (pixels != 255).any(axis=2, keepdims=True)
            picture = Image.fromarray(np.where(is_ink, pixels, ground).astype(np.uint8))
            label = str(rng.choice(SHAPES)) if shuffled else shape
            save(folder / domain / label / f"{shape}-{number:02d}.png", picture)
    (folder / "_READY").touch()
    return folder


@pytest.fixture(name="workspace")
def _workspace(finished, tmp_path: Path) -> Path:
    """A workspace with version 1 of the undisturbed run, and an inbox beside it."""
    (tmp_path / "inbox").mkdir()
    shutil.copytree(finished.copy, tmp_path / "workspace", symlinks=True)
    return tmp_path / "workspace"


def retrain(workspace: Path, *options: str, **settings: object):
    pairs = SETTINGS | {key.replace("__", "."): value for key, value in settings.items()}
    given = [part for key, value in pairs.items() for part in ("--set", f"{key}={value}")]
    folders = ("--workspace", str(workspace), "--inbox", str(workspace.parent / "inbox"))
    return carryover("retrain", *folders, *given, *options)


def versions(workspace: Path) -> list[str]:
    return sorted(path.name for path in (workspace / "serving" / "carryover").iterdir())


def add_unlabelled(batch: Path, domain: str) -> None:
    """Add 72 pictures without labels to a batch."""
    drawn_batch = draw_batch(batch.parent.parent / "unlabelled", domain, seed=6)
    (batch / domain / "_unlabelled").mkdir()
    for path in drawn_batch.glob(f"{domain}/*/*.png"):
        path.rename(batch / domain / "_unlabelled" / path.name)


def test_a_new_domain_waits_for_enough_pictures_and_is_trained_on_and_pushed_once(workspace):
    draw_batch(workspace.parent / "inbox" / "few", "mosaic", per_class=3, seed=5)
    done = retrain(workspace)
    assert done.returncode == 0
    assert done.stderr == ""  # messages of libraries are in the log
    assert "few: too_little_data" in done.stdout
    assert versions(workspace) == ["1"]

    add_unlabelled(draw_batch(workspace.parent / "inbox" / "monday", "mosaic"), "mosaic")
    preview = retrain(workspace, "--dry-run")
    assert preview.returncode == 0, preview.stderr
    assert preview.stdout.startswith(
        "monday: retrain: new domain 'mosaic': 72 labelled (81 with those that waited), "
        "72 unlabelled, accuracy"
    )
    assert len(list((workspace / "batches").glob("[!.]*"))) == 1  # a preview copies nothing

    done = retrain(workspace, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == ["taken", "retraining", "pushed"]
    assert versions(workspace) == ["1", "2"]
    summary = newest_summary(workspace)
    mosaic = summary["domains"]["mosaic"]
    assert mosaic["accuracy"] > mosaic["baseline_accuracy"]
    assert set(summary["domains"]) == {"blackboard", "mosaic", "noise", "paper"}
    [listing] = (path for path in workspace.glob("inputs/*.jsonl") if "mosaic" in path.read_text())
    new = [
        row
        for row in map(json.loads, listing.read_text().splitlines())
        if row["domain"] == "mosaic"
    ]
    assert len(new) == 72 + 9  # with those that waited, and without the unlabelled ones
    stages = summary["stages"]
    assert set(stages["semi_supervised"]["eval_domain_accuracy"]) == set(summary["domains"])
    [trained] = workspace.glob("inputs/unlabelled-*")  # the examples are removed after the run
    assert trained.name == summary["unlabelled"]
    description = read_description(str(workspace / "serving" / "carryover" / "2"))
    assert unlabelled_domains(description) == {"mosaic"}
    assert summary["classes"] == ["circle", "cross", "square"]

    again = retrain(workspace)
    assert again.returncode == 0
    assert "nothing to do" in again.stdout
    history = carryover("history", "--workspace", str(workspace)).stdout
    assert "monday" in history
    assert "pushed" in history


def test_wrong_labels_are_rejected_and_the_serving_version_stays_until_someone_accepts(workspace):
    draw_batch(workspace.parent / "inbox" / "bad", "mosaic", shuffled=True)
    done = retrain(workspace, gate__min_accuracy=0.7)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "domain 'mosaic': accuracy" in done.stdout
    assert versions(workspace) == ["1"]
    run_id = newest_summary(workspace)["run_id"]

    accepted = carryover("accept", run_id, "--reason", "we know", "--workspace", str(workspace))
    assert accepted.returncode == 0, accepted.stderr
    assert versions(workspace) == ["1", "2"]
    record = workspace / "serving" / "carryover" / "2" / "assets.extra" / "push.json"
    assert json.loads(record.read_text())["accepted"] == "we know"
    report = (workspace / "runs" / run_id / "report.html").read_text()
    assert "Not blessed, and accepted as version" in report
    assert "accepted: we know" in report
    history = carryover("history", "--workspace", str(workspace)).stdout
    assert re.search("accepted by .+: we know", " ".join(history.split()))
    again = carryover("accept", run_id, "--reason", "twice", "--workspace", str(workspace))
    assert again.returncode == 2


def test_without_a_model_retraining_says_what_to_do(tmp_path):
    done = carryover("retrain", "--workspace", str(tmp_path), "--inbox", str(tmp_path))
    assert done.returncode == 2
    assert "carryover run" in done.stderr


def test_the_watcher_processes_what_arrives_and_ends_on_sigterm(workspace):
    inbox = workspace.parent / "inbox"
    # The passes of the watcher cannot build the small backbone; this one builds none.
    [config] = workspace.glob("runs/*/config.yaml")
    text = config.read_text()
    assert "name: tiny" in text
    config.write_text(text.replace("name: tiny", "name: efficientnet_lite0"))
    command = [sys.executable, "-m", "pipeline.cli", "watch", "--json"]
    command += ["--workspace", str(workspace), "--inbox", str(inbox)]
    watcher = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        draw_batch(inbox / "few", "mosaic", per_class=2)
        events = (json.loads(line)["event"] for line in watcher.stdout or ())
        assert next(event for event in events if event != "taken") == "too_little_data"
        watcher.terminate()
        assert watcher.wait(60) == 0
    finally:
        watcher.kill()
        watcher.wait()
    assert versions(workspace) == ["1"]


def test_an_unreadable_manifest_is_held_and_does_not_stop_other_batches(workspace):
    inbox = workspace.parent / "inbox"
    (inbox / "broken.csv").write_text("no,such,columns\n")
    draw_batch(inbox / "few", "mosaic", per_class=2)
    done = retrain(workspace, retrain__quiet_seconds=0)
    assert done.returncode == 0, done.stderr
    assert "broken.csv: held: manifest" in done.stdout
    assert "few: too_little_data" in done.stdout
    again = retrain(workspace, retrain__quiet_seconds=0)
    assert "broken.csv" not in again.stdout
