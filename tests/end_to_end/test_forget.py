"""`carryover forget` after real runs: no trace is left in any file, and retraining works."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from command import carryover
from picture_traces import PictureTraces
from test_retention import PUSHING
from test_retrain import SETTINGS, draw_batch, versions
from tiny_traffic import record

from pipeline.traffic.traffic_store import TrafficWriter, traffic_folder

pytestmark = pytest.mark.slow

#: Group of the pictures that are forgotten first, and the beginning of their names.
GROUP, PERSON = "zebra-7", "zebra"


def done(*words: str, codes: tuple[int, ...] = (0,)) -> str:
    """Run a command that has to end with one of some codes, and return its output."""
    result = carryover(*words)
    assert result.returncode in codes, result.stdout + result.stderr
    return result.stdout


def retrain(workspace: Path) -> str:
    """Retrain; the gate decides on the few test pictures of a new domain by chance."""
    pairs = SETTINGS | PUSHING | {"retrain.min_pictures": 4}
    given = [part for key, value in pairs.items() for part in ("--set", f"{key}={value}")]
    inbox = str(workspace.parent / "inbox")
    return done("retrain", "--workspace", str(workspace), "--inbox", inbox, *given, codes=(0, 3))


def deliver(workspace: Path, name: str, person: str, seed: int) -> list[Path]:
    """Deliver pictures of a new domain, each named after a person; return all of them."""
    batch = draw_batch(
        workspace.parent / "inbox" / f"{name}.part", "mosaic", seed=seed, per_class=8
    )
    rows, pictures = [], []
    for number, path in enumerate(sorted(batch.glob("mosaic/*/*.png"))):
        is_grouped = number % 8 == 0
        renamed = path.rename(path.with_name(f"{person if is_grouped else name}{number:02d}x.png"))
        group = f"{person}-7" if is_grouped else f"{name}-{number}"
        rows.append({"path": str(renamed.relative_to(batch)), "group": group})
        pictures.append(renamed)
    with (batch / "sidecar.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["path", "group"])
        writer.writeheader()
        writer.writerows(rows)
    target = batch.rename(batch.with_suffix(""))
    return [target / path.relative_to(batch) for path in pictures]


def test_nothing_is_left_of_forgotten_pictures_and_the_next_retraining_works(finished, tmp_path):
    workspace = tmp_path / "workspace"
    (tmp_path / "inbox").mkdir()
    shutil.copytree(finished.copy, workspace, symlinks=True)
    option = ("--workspace", str(workspace))
    pictures = deliver(workspace, "monday", PERSON, seed=4)
    assert "monday: pushed" in retrain(workspace)
    with TrafficWriter(traffic_folder(workspace), 10**9) as writer:
        writer.write([record(float(i), path.read_bytes()) for i, path in enumerate(pictures)])
    done("export", "--format", "saved-model", "--include-training-data", *option)
    done("bundle", *option)
    done("report", "--history", *option)
    of_person = [path for path in pictures if path.name.startswith(PERSON)]
    assert len(of_person) == 3

    group, batch = PictureTraces(of_person), PictureTraces(pictures)
    places = {name.split("/")[0] for name in group.find(workspace)}
    assert places >= {"artifacts", "batches", "exports", "inputs", "serving", "traffic"}
    kinds = {Path(name).name for name in batch.find(workspace)}
    assert kinds >= {"report.html", "pictures.parquet", "test_predictions.parquet"}
    assert any(name.endswith(".tar") for name in kinds)
    before = sorted(path.as_posix() for path in workspace.rglob("*") if path.name != "forget.log")
    assert "would forget 3 pictures" in done("forget", "--group", GROUP, "--dry-run", *option)
    after = sorted(path.as_posix() for path in workspace.rglob("*") if path.name != "forget.log")
    assert before == after
    output = json.loads(done("forget", "--group", GROUP, "--json", *option))
    assert group.find(workspace) == set()
    assert len(output["receipt"]["pictures"]) == 3
    assert len(output["elsewhere"]) == 3  # in the inbox
    assert versions(workspace) == ["1", "2"]
    assert "nothing to do" in retrain(workspace)

    more = deliver(workspace, "tuesday", "heron", seed=7)
    assert "tuesday: pushed" in retrain(workspace)
    assert versions(workspace) == ["1", "2", "3"]
    assert group.find(workspace) == set()

    assert batch.find(workspace)
    output = done("forget", "--batch", "monday", "--retire-models", *option)
    assert "carryover: version 1 serves." in output
    assert versions(workspace) == ["1"]
    assert batch.find(workspace) == set()
    assert PictureTraces(more).find(workspace)
    output = retrain(workspace)
    assert "tuesday: pushed" in output or "tuesday: rejected" in output
    assert batch.find(workspace) == set()
    again = carryover("forget", "--batch", "monday", *option)
    assert again.returncode == 2
    assert "knows no such picture" in again.stderr
