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
    (site.model / TEST_PREDICTIONS).parent.mkdir(parents=True, exist_ok=True)
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
    keep(site, {0: {"scanner": "A", "sex": "F", "bed": "7"}, 1: {"scanner": "B"}})
    batch = site.batch(new(10, slices={"scanner": "C"}), new(11))
    snapshot = site.retrain(batch, slices=SLICES)
    assert values(snapshot, site) == {
        b"0.png": {"scanner": "A", "sex": "F"},
        b"1.png": {"scanner": "B"},
        key(10): {"scanner": "C"},
    }


def test_an_update_adds_its_values_to_those_that_are_known(site):
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


def test_a_known_test_picture_with_another_value_is_a_correction_that_is_counted_and_named(site):
    keep(site, {0: {"scanner": "A", "sex": "F"}, 1: {}, 2: {"scanner": "C"}})
    batch = site.batch(
        new(0, slices={"scanner": "B"}),
        new(1, slices={"scanner": "B"}),
        new(2, slices={"scanner": "C"}),
        new(3, slices={"scanner": "D"}),
    )
    pictures = site.read(batch)
    assert pictures.batch_update_counts().nonzero() == {"changed_slices": 2}
    assert set(pictures.assessed_rows().changes.values()) == {frozenset({"slices"})}
    assert pictures.assessed_rows().known == {"day": 2}  # the version was not tested on the last
    snapshot = site.retrain(batch, slices=SLICES)
    found = values(snapshot, site)
    assert found[key(0)] == {"scanner": "B", "sex": "F"}
    assert found[key(1)] == {"scanner": "B"}
    [finding] = snapshot.findings
    assert finding.kind == "corrections"
    assert "2 known pictures with another value of a slice" in finding.text
    assert "scanner 'A' is now 'B'" in finding.text
    assert "scanner is now 'B'" in finding.text
    assert {row["split"] for row in site.pipeline.rows()} == {"test"}


def test_a_value_that_waits_counts_with_the_next_training_until_a_finished_batch_has_another(site):
    keep(site, {0: {"scanner": "A"}, 1: {"scanner": "A"}})
    site.batch(new(0, slices={"scanner": "B"}), new(1, slices={"sex": "M"}), state="good_enough")
    waiting = site.read(site.batch(new(10)))
    assert waiting.update_counts().slices == 2
    later = site.batch(new(1, slices={"scanner": "D"}, label=""), state="duplicate")
    snapshot = site.retrain(later - 1, slices=SLICES)
    found = values(snapshot, site)
    assert found[key(0)] == {"scanner": "B"}
    assert found[key(1)] == {"scanner": "D", "sex": "M"}


def test_values_of_several_deliveries_are_merged_column_by_column(site):
    site.batch(new(10, slices={"scanner": "C", "sex": "F"}), state="good_enough")
    snapshot = site.retrain(site.batch(new(10, slices={"scanner": "D"})), slices=SLICES)
    assert values(snapshot, site) == {key(10): {"scanner": "D", "sex": "F"}}
