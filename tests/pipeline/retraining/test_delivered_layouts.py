"""A pass over deliveries in other layouts: they are held with the advice, or read right."""

import json
import os

import pytest
from retraining_site import CORRECT, PUSHED, WRONG, Pipeline, RetrainingSite
from tiny_workspace import write_colours

pytestmark = pytest.mark.component

#: Where the folder of a domain is moved to -> what the advice says.
UNCLEAR = {
    "classes alone": "no folder names the domain (classes ",
    "wrapper": "Deliver ",
    "one domain deeper": "classes at different levels",
}


def deliver(site: RetrainingSite, kind: str) -> None:
    """Deliver a batch in a layout that is not clear."""
    batch = site.inbox / "monday"
    write_colours(batch, "night", WRONG)
    if kind == "classes alone":
        for folder in (batch / "night").iterdir():
            folder.rename(batch / folder.name)
        (batch / "night").rmdir()
    elif kind == "wrapper":
        (batch / "export" / "v1").mkdir(parents=True)
        (batch / "night").rename(batch / "export" / "v1" / "night")
    else:
        write_colours(batch / "more", "fog", CORRECT)


@pytest.mark.parametrize("kind", UNCLEAR)
def test_a_delivery_whose_layout_is_not_clear_is_held_and_a_corrected_one_is_taken(site, kind):
    deliver(site, kind)
    assert f"monday: held: data folder {site.inbox}/monday" in site.preview()[0]
    assert site.run() == 0
    [batch] = site.batches()
    assert batch.state == "held"
    assert UNCLEAR[kind] in batch.reason
    assert f"monday: held: {batch.reason}" in site.output
    (site.inbox / "monday").rename(site.inbox.parent / "wrong")
    write_colours(site.inbox / "monday", "night", WRONG)
    assert site.run(Pipeline(PUSHED)) == 0
    assert site.states() == ["held", "pushed"]


def test_split_folders_of_a_delivery_reach_the_listing_of_the_run(site):
    for seed, split in ((100, "train"), (200, "valid"), (300, "test")):
        write_colours(site.inbox / "monday" / split, "night", WRONG, seed)
    pipeline = Pipeline(PUSHED)
    assert site.run(pipeline) == 0
    assert "monday: The layout is <split>/<domain>/<class>/<picture>: " in site.output
    rows = [json.loads(line) for line in pipeline.snapshots[0].path.read_text().splitlines()]
    new = [row for row in rows if row["domain"] == "night" and "batches/" in row["path"]]
    assert {row.get("split") for row in new} <= {"train", "eval", "test"}
    assert new


def test_a_batch_is_taken_with_the_layout_that_its_message_offers(site):
    deliver(site, "one domain deeper")
    assert site.run() == 0
    [held] = site.batches()
    assert "or give --set retrain.layout=domain/class (domains " in held.reason
    os.utime(site.inbox / "monday" / "_READY", (10**9, 10**9))
    # The names of the domains are classes in this layout, and the serving model knows none of them.
    assert site.run(Pipeline(PUSHED), layout="domain/class", allow=("new_class",)) == 0
    assert site.states() == ["held", "pushed"]
