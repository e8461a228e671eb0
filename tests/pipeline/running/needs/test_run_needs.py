"""What a run needs, and how it is told and refused."""

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot, write_listing
from pipeline.running.needs import run_needs
from pipeline.running.needs.run_needs import RunNeeds, work_out_needs
from pipeline.running.run_failure import find_machine_fault
from pipeline.workspace import Workspace
from trainer_module.contract.errors import UnavailableError

GB = 10**9


def needs(disk: float, free: float) -> RunNeeds:
    return RunNeeds(disk, free, 3 * GB, Path("/ws"))


def test_a_disk_that_is_too_small_is_refused_with_what_to_do():
    needs(2.1 * GB, 2.2 * GB).check_disk()
    with pytest.raises(UnavailableError) as refused:
        needs(2.3 * GB, 2.2 * GB).check_disk()
    assert str(refused.value) == (
        "workspace /ws: the run needs about 2.3 GB of disk, and 2.2 GB are free. Free some, give "
        "another workspace with --workspace DIR, or lower image_size. If the estimate is wrong: "
        "--set check_disk=false"
    )
    assert find_machine_fault(refused.value)  # so that a batch is tried again


@pytest.mark.parametrize(
    ("disk", "free", "is_large"),
    [(0.9 * GB, 50 * GB, False), (GB, 50 * GB, True), (0.1 * GB, 0.2 * GB, True)],
)
def test_needs_are_told_where_they_matter(disk, free, is_large):
    assert needs(disk, free).is_large == is_large


def test_one_line_tells_disk_and_memory():
    assert str(needs(21.34 * GB, 58 * GB)) == (
        "needs about 21.3 GB of disk in /ws, where 58.0 GB are free, and about 3.0 GB of memory"
    )
    assert "about 120 MB of disk" in str(needs(120e6, GB))


def work_out(folder: Path, count: int, **settings: Any) -> RunNeeds:
    rows = [
        {"path": f"{number:06}.jpg", "domain": "day", "label": "cat", "bytes": 10_000}
        for number in range(count)
    ]
    snapshot = write_listing(rows, str(folder), "data", folder / "inputs")
    config = RunConfig(data=str(folder), workspace=folder, **settings)
    return work_out_needs(config, Workspace(folder), snapshot)


def test_the_disk_is_that_of_files_resized_pictures_and_model(tmp_path):
    few, many = (work_out(tmp_path, count, image_size=64).disk for count in (100, 200))
    one = 10_000 + 0.85 * 3 * 64**2
    assert (many - few) / 100 == pytest.approx(one, rel=0.1)
    assert few - 100 * one == pytest.approx(run_needs.MODEL, rel=0.01)


def test_a_candidate_that_is_only_evaluated_needs_no_resized_pictures(tmp_path):
    rows = [{"path": "a.jpg", "domain": "day", "label": "cat", "bytes": 10_000}]
    snapshot = write_listing(rows, str(tmp_path), "data", tmp_path / "inputs")
    config = RunConfig(data=str(tmp_path), workspace=tmp_path, image_size=2048)
    evaluated = Snapshot(**vars(snapshot) | {"candidate": "model"})
    whole, less = (
        work_out_needs(config, Workspace(tmp_path), one) for one in (snapshot, evaluated)
    )
    assert whole.disk - less.disk == pytest.approx(0.85 * 3 * 2048**2, rel=0.01)


def test_what_an_unfinished_run_has_written_is_not_needed_again(tmp_path, monkeypatch):
    monkeypatch.setattr(run_needs.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    earlier = tmp_path / "artifacts" / "ImageExampleGen" / "old"
    earlier.parent.mkdir(parents=True)
    earlier.write_bytes(bytes(50))
    os.utime(earlier, (1, 1))
    assert work_out(tmp_path, 1, image_size=64).free == 1000
    run = tmp_path / "runs" / "20260101-000000"
    run.mkdir(parents=True)
    (tmp_path / "artifacts" / "ImageExampleGen" / "new").write_bytes(bytes(70))
    assert work_out(tmp_path, 1, image_size=64).free == 1070
    (run / "summary.json").write_text(json.dumps({}))
    assert work_out(tmp_path, 1, image_size=64).free == 1000
