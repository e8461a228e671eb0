from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tiny_pictures import write_files

from components.image_example_gen.catalog import SCHEMA as CATALOG
from components.image_example_gen.catalog import write_catalog
from components.pusher.data_set import SCHEMA, read_data_set, write_data_set
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.model_assets import PICTURES, TEST_PREDICTIONS

pytestmark = pytest.mark.component


def content(name: str) -> bytes:
    return name.encode().ljust(16, b".")[:16]


def row(name: str, **values: Any) -> dict[str, Any]:
    common = {"domain": "day", "label": "cat", "split": "train", "content": content(name)}
    return {"image_id": name.encode(), "group": content("group of it")} | common | values


def catalog_of(folder: Path, *rows: dict[str, Any]) -> str:
    folder.mkdir()
    write_catalog(str(folder), "00000-of-00001", [dict.fromkeys(CATALOG.names) | r for r in rows])
    return str(folder)


def catalog(folder: Path, *names: str) -> str:
    return catalog_of(folder, *map(row, names))


def locations(model: Path) -> list[str]:
    table = read_data_set(model)
    assert table is not None
    return [location.decode() for location in table["location"].to_pylist()]


def test_locations_in_the_workspace_are_relative_and_all_others_absolute(tmp_path):
    uri = catalog(tmp_path / "catalog", "day/1.png", "/elsewhere/2.png", "gs://bucket/3.png")
    workspace, model = tmp_path / "workspace", tmp_path / "model"
    write_data_set(uri, str(workspace / "batches"), workspace, model, None)
    assert locations(model) == ["batches/day/1.png", "/elsewhere/2.png", "gs://bucket/3.png"]


def test_pictures_of_the_baseline_that_a_retraining_did_not_read_stay_in_the_list(tmp_path):
    first = catalog(tmp_path / "first", "1.png", "2.png")
    second = catalog(tmp_path / "second", "2.png", "3.png")
    baseline, model = tmp_path / "1", tmp_path / "2"
    write_data_set(first, "/data", tmp_path, baseline, None)
    write_data_set(second, "/data", tmp_path, model, baseline)
    assert locations(model) == ["/data/1.png", "/data/2.png", "/data/3.png"]


def test_a_version_may_have_no_list(tmp_path):
    assert read_data_set(tmp_path) is None


def test_a_list_that_was_lost_is_never_taken_for_none(tmp_path):
    write_files(tmp_path, {TEST_PREDICTIONS: b"kept by the same push"})
    with pytest.raises(UnavailableError) as error:
        read_data_set(tmp_path)
    assert str(error.value).startswith(f"list of pictures {tmp_path / PICTURES} is missing. ")
    assert "Restore the version from a backup" in str(error.value)


def test_the_groups_of_all_pictures_are_kept_also_of_those_that_were_not_read_again(tmp_path):
    first = catalog_of(tmp_path / "1st", row("1.png", group=content("A")), row("2.png"))
    second = catalog_of(tmp_path / "2nd", row("3.png", group=content("B")))
    write_data_set(first, "/data", tmp_path, tmp_path / "1", None)
    write_data_set(second, "/data", tmp_path, tmp_path / "2", tmp_path / "1")
    table = read_data_set(tmp_path / "2")
    assert table is not None
    groups = table["group"].to_pylist()
    assert groups == [content("A"), content("group of it"), content("B")]


@pytest.mark.parametrize("change", [{"label": "dog"}, {"domain": "night"}, {"group": content("B")}])
def test_a_picture_that_was_delivered_again_is_listed_once_as_the_delivery_says(tmp_path, change):
    first = catalog_of(tmp_path / "1st", row("1.png", split="test"), row("2.png"))
    again = row("batches/b/1.png", content=content("1.png"), split="test") | change
    second = catalog_of(tmp_path / "2nd", again, row("3.png"))
    write_data_set(first, "/data", tmp_path, tmp_path / "1", None)
    write_data_set(second, str(tmp_path), tmp_path, tmp_path / "2", tmp_path / "1")
    table = read_data_set(tmp_path / "2")
    assert table is not None
    assert table["location"].to_pylist() == [b"/data/2.png", b"batches/b/1.png", b"3.png"]
    for name, value in change.items():
        assert table[name].to_pylist()[1] == value
    assert table["split"].to_pylist()[1] == "test"


def test_copies_of_a_picture_that_the_retraining_read_again_stay_in_the_list(tmp_path):
    first = catalog_of(tmp_path / "1st", row("1.png"), row("copy.png", content=content("1.png")))
    second = catalog_of(tmp_path / "2nd", row("1.png"))
    write_data_set(first, "/data", tmp_path, tmp_path / "1", None)
    write_data_set(second, "/data", tmp_path, tmp_path / "2", tmp_path / "1")
    assert sorted(locations(tmp_path / "2")) == ["/data/1.png", "/data/copy.png"]


def test_the_list_of_an_earlier_version_has_no_groups(tmp_path):
    write_data_set(catalog(tmp_path / "catalog", "1.png"), "/data", tmp_path, tmp_path / "1", None)
    path = tmp_path / "1" / PICTURES
    pq.write_table(pq.read_table(path).drop(["group"]), path)
    table = read_data_set(tmp_path / "1")
    assert table is not None
    assert table.schema == SCHEMA
    assert table["group"].to_pylist() == [None]
