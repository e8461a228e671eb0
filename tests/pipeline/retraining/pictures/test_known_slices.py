"""Values of slices over a retraining: those of the batch, and those that the version has kept."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ingesting_pipeline import PictureSite, digest_of, picture

from components.evaluation.predictions.slice_values import SliceValues, read_slice_values
from components.evaluation.predictions.stored_predictions import SCHEMA
from pipeline.inputs.snapshot import Snapshot, write_listing
from trainer_module.contract.model_assets import TEST_PREDICTIONS

pytestmark = pytest.mark.component

SLICES = [["scanner"], ["domain", "sex"]]


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> PictureSite:
    """A site whose version 1 has four test pictures."""
    site = PictureSite(tmp_path)
    listing = []
    for number in range(4):
        path = f"day/cat/{number}.png"
        (site.data / path).parent.mkdir(parents=True, exist_ok=True)
        (site.data / path).write_bytes(picture(number))
        listing.append({"path": path, "domain": "day", "label": "cat", "split": "test"})
    site.workspace.root.mkdir()
    site.pipeline(
        site.config(),
        site.workspace,
        write_listing(listing, str(site.data), "data", site.workspace.inputs),
    )
    return site


def keep(site: PictureSite, values: dict[int, dict[str, str]]) -> None:
    """Keep the values of test pictures with the serving version."""
    rows = [
        {"content": bytes.fromhex(digest_of(picture(number)))[:16], "slices": json.dumps(slices)}
        for number, slices in values.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), site.model / TEST_PREDICTIONS)


def new(number: int, **row: Any) -> dict[str, Any]:
    return {"content": picture(number), "name": f"day/cat/{number}.png"} | row


def values(snapshot: Snapshot, site: PictureSite) -> SliceValues:
    """Return the values by the name of the picture, or by the start of its digest in a batch."""
    ids = [row["path"].encode() for row in site.pipeline.rows()]
    found = read_slice_values(str(snapshot.slice_values), ids)
    return {Path(image_id.decode()).name.encode()[:5]: texts for image_id, texts in found.items()}


def key(number: int) -> bytes:
    return digest_of(picture(number)).encode()[:5]


def test_known_pictures_have_the_kept_values_and_new_ones_those_of_the_batch(site):
    (site.model / TEST_PREDICTIONS).parent.mkdir(parents=True, exist_ok=True)
    keep(site, {0: {"scanner": "A", "sex": "F", "bed": "7"}, 1: {"scanner": "B"}})
    batch = site.batch(new(10, slices={"scanner": "C"}), new(11))
    snapshot = site.retrain(batch, slices=SLICES)
    assert values(snapshot, site) == {
        b"0.png": {"scanner": "A", "sex": "F"},
        b"1.png": {"scanner": "B"},
        key(10): {"scanner": "C"},
    }


def test_an_update_adds_its_values_to_those_that_are_known(site):
    (site.model / TEST_PREDICTIONS).parent.mkdir(parents=True, exist_ok=True)
    keep(site, {0: {"scanner": "A", "sex": "F"}})
    batch = site.batch(new(0, label="dog", slices={"scanner": "B"}))
    snapshot = site.retrain(batch, slices=SLICES)
    assert values(snapshot, site) == {key(0): {"scanner": "B", "sex": "F"}}


def test_a_later_delivery_without_values_keeps_those_of_an_earlier_one(site):
    site.batch(new(10, slices={"scanner": "C"}), state="good_enough")
    snapshot = site.retrain(site.batch(new(10, label="dog")), slices=SLICES)
    assert values(snapshot, site) == {key(10): {"scanner": "C"}}


def test_a_version_without_kept_values_and_a_batch_without_any_are_no_error(site):
    snapshot = site.retrain(site.batch(new(10)), slices=SLICES)
    assert values(snapshot, site) == {}
