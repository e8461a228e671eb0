"""Batches that are delivered again with a renamed class or domain, or a picture elsewhere."""

import os
import re
import shutil
from pathlib import Path

import pytest
from ingesting_pipeline import IngestingPipeline, digest_of
from retraining_site import (
    CORRECT,
    PUSHED,
    REJECTED,
    WRONG,
    KilledError,
    Pipeline,
    RetrainingSite,
)
from tiny_workspace import write_colours

pytestmark = pytest.mark.component


def bring_to(site: RetrainingSite, state: str) -> None:
    """Deliver pictures of `night` as the batch `monday`, and bring it to a state."""
    write_colours(site.inbox / "monday", "night", CORRECT if state == "good_enough" else WRONG)
    if state == "taken":
        with pytest.raises(KilledError):
            site.run(Pipeline(KilledError()))
    else:
        site.run(Pipeline(REJECTED) if state == "rejected" else IngestingPipeline())
    assert site.states() == [state]


def rename_class(batch: Path) -> None:
    (batch / "night" / "red").rename(batch / "night" / "crimson")


def merge_classes(batch: Path) -> None:
    for picture in sorted((batch / "night" / "red").iterdir()):
        picture.rename(batch / "night" / "green" / f"was-red-{picture.name}")


def rename_domain(batch: Path) -> None:
    (batch / "night").rename(batch / "dusk")


def move_to_known_domain(batch: Path) -> None:
    picture = min((batch / "night" / "blue").iterdir())
    (batch / "day" / "blue").mkdir(parents=True)
    picture.rename(batch / "day" / "blue" / picture.name)


def delivered(batch: Path) -> dict[str, tuple[str, str]]:
    """Return domain and label of every picture of a batch by its digest."""
    files = batch.rglob("*.png")
    return {digest_of(file.read_bytes()): file.relative_to(batch).parts[:2] for file in files}


def trained(pipeline: IngestingPipeline, site: RetrainingSite) -> list[tuple[str, str, str]]:
    """Return digest, domain and label of the rows of the last listing that are from batches."""
    return [
        (digest_of((site.workspace / row["path"]).read_bytes()), row["domain"], row["label"])
        for row in pipeline.rows()
        if row["path"].startswith("batches/")
    ]


@pytest.mark.parametrize(
    ("state", "change", "name"),
    [
        ("pushed", merge_classes, "monday"),
        ("taken", rename_class, "tuesday"),
        ("rejected", move_to_known_domain, "monday"),
        ("good_enough", merge_classes, "tuesday"),
    ],
)
def test_every_picture_is_trained_on_once_as_it_was_delivered_last(site, state, change, name):
    bring_to(site, state)
    batch = (site.inbox / "monday").rename(site.inbox / name)
    change(batch)
    os.utime(batch / "_READY", (10**9, 10**9))
    expected = delivered(batch)
    site.run(IngestingPipeline(), allow=("new_class",))
    write_colours(site.inbox / "more", "fog", WRONG, seed=300)
    expected |= delivered(site.inbox / "more")
    pipeline = IngestingPipeline()
    site.run(pipeline, allow=("new_class",))
    assert sorted(trained(pipeline, site)) == sorted(
        (key, *place) for key, place in expected.items()
    )


def test_a_batch_that_was_held_is_taken_in_its_right_domain(site):
    write_colours(site.inbox / "monday", "day", WRONG)
    site.run()
    (site.inbox / "monday" / "day").rename(site.inbox / "monday" / "night")
    site.run(Pipeline(PUSHED))
    assert site.states() == ["held", "pushed"]


def test_a_correction_is_told_with_the_names_of_the_delivery(site):
    bring_to(site, "pushed")
    shutil.copytree(site.inbox / "monday", site.inbox / "tuesday")
    rename_domain(site.inbox / "tuesday")
    pipeline = IngestingPipeline()
    site.run(pipeline)
    [finding] = pipeline.snapshots[0].findings
    assert "12 known pictures in another domain" in finding.text
    assert re.search(r": 'night/\w+/\d+\.png': domain 'night' is now 'dusk';", finding.text)
    assert "batches/" not in finding.text
