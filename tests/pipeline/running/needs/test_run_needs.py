"""What a run needs, and how it is told and refused."""

import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tiny_summary import summary

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


def work_out(
    folder: Path, count: int, split: str | None = None, batch: str | None = None, **settings: Any
) -> RunNeeds:
    rows = [
        {"path": f"{number:06}.jpg", "domain": "day", "label": "cat", "bytes": 10_000}
        | ({"split": split} if split else {})
        for number in range(count)
    ]
    snapshot = write_listing(rows, str(folder), "data", folder / "inputs")
    if batch:
        snapshot = replace(snapshot, batch=batch)
    config = RunConfig(data=str(folder), workspace=folder, **settings)
    return work_out_needs(config, Workspace(folder), snapshot)


def test_the_disk_is_that_of_files_resized_pictures_and_model(tmp_path):
    few, many = (work_out(tmp_path, count, image_size=64).disk for count in (100, 200))
    one = 10_000 + 0.85 * 3 * 64**2
    assert (many - few) / 100 == pytest.approx(one, rel=0.1)
    assert few - 100 * one == pytest.approx(66e6, rel=0.02)  # measured, with EfficientNet-Lite0


def test_a_larger_backbone_needs_more_disk_and_memory(tmp_path):
    small, large = (
        work_out(tmp_path, 1, image_size=64, backbone={"name": name})
        for name in ("MobileNetV3Small", "ResNet50")
    )
    weights = 4 * (23_587_712 - 939_120)
    assert large.disk - small.disk == run_needs.COPIES * weights
    assert large.memory - small.memory == run_needs.MEMORY_PER_WEIGHT * weights


def test_a_candidate_that_is_only_evaluated_needs_no_resized_pictures(tmp_path):
    rows = [{"path": "a.jpg", "domain": "day", "label": "cat", "bytes": 10_000}]
    snapshot = write_listing(rows, str(tmp_path), "data", tmp_path / "inputs")
    config = RunConfig(data=str(tmp_path), workspace=tmp_path, image_size=2048)
    evaluated = Snapshot(**vars(snapshot) | {"candidate": "model"})
    whole, less = (
        work_out_needs(config, Workspace(tmp_path), one) for one in (snapshot, evaluated)
    )
    assert whole.disk - less.disk == pytest.approx(0.85 * 3 * 2048**2, rel=0.01)


def add_run(workspace: Path, began: int, pushed: int | None = None) -> None:
    """Add a run that has written as many bytes as the second in which it began."""
    run = workspace / "runs" / f"20260101-0000{began}"
    run.mkdir(parents=True)
    (run / "config.yaml").touch()
    os.utime(run / "config.yaml", (began, began))
    if pushed:
        (run / "summary.json").write_text(summary(pushed_version=pushed).model_dump_json())
    written = workspace / "artifacts" / "ImageExampleGen" / str(began)
    written.parent.mkdir(parents=True, exist_ok=True)
    written.write_bytes(bytes(began))
    os.utime(written, (began, began))


def test_what_runs_have_written_that_pushed_nothing_is_not_needed_again(tmp_path, monkeypatch):
    monkeypatch.setattr(run_needs.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    add_run(tmp_path, 10, pushed=1)
    add_run(tmp_path, 20, pushed=2)
    assert work_out(tmp_path, 1, batch="b", image_size=64).free == 1000
    # A run may repeat the one before with other options.
    assert work_out(tmp_path, 1, image_size=64).free == 1020
    add_run(tmp_path, 30)
    add_run(tmp_path, 40)
    (tmp_path / "runs" / "20260101-000040" / "reject.csv").touch()
    for batch in ("b", None):
        assert work_out(tmp_path, 1, batch=batch, image_size=64).free == 1070


def test_given_splits_and_a_whole_network_need_no_activations(tmp_path, monkeypatch):
    monkeypatch.setattr(run_needs, "LARGE", 0)
    tested = work_out(tmp_path, 100, split="test", image_size=64)
    assert tested.memory == pytest.approx(
        run_needs.BASE_MEMORY
        + 100 * run_needs.MEMORY_PER_PICTURE
        + run_needs.MEMORY_PER_WEIGHT * 4 * 3_413_024
    )
    whole = work_out(tmp_path, 100, image_size=64, fine_tuning={"trainable_from": 0})
    assert whole.memory - tested.memory == pytest.approx(100 * 0.85 * 1280 * 2)


def test_every_process_of_a_training_on_this_machine_has_all_activations(tmp_path, monkeypatch):
    monkeypatch.setattr(run_needs, "LARGE", 0)
    sizes = {"image_size": 64, "cache_memory": 1}
    alone = work_out(tmp_path, 1000, **sizes)
    cluster = {"chief": ["one:1"], "worker": ["one:2", "two:1"]}
    task = {"type": "chief", "index": 0}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    shared = work_out(tmp_path, 1000, **sizes)
    assert shared.memory == 2 * alone.memory
    in_memory = work_out(tmp_path, 1000, image_size=64, cache_memory=10_000)  # of both
    # The folder of the test is one for temporary files, in which workers have theirs.
    on_disk = alone.disk - in_memory.disk
    assert on_disk > 0
    assert shared.disk - in_memory.disk == pytest.approx(2 * on_disk)
    monkeypatch.setattr(run_needs, "_has_temporary", lambda _: False)
    assert work_out(tmp_path, 1000, **sizes).disk == alone.disk
