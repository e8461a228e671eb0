from pathlib import Path

import pytest

from components.image_example_gen.catalog import SCHEMA as CATALOG
from components.image_example_gen.catalog import write_catalog
from components.pusher.data_set import read_data_set, write_data_set

pytestmark = pytest.mark.component


def catalog(folder: Path, *names: str) -> str:
    folder.mkdir()
    rows = [
        dict.fromkeys(CATALOG.names)
        | {
            "image_id": name.encode(),
            "domain": "day",
            "label": "cat",
            "split": "train",
            "content": name.encode().ljust(16, b".")[:16],
        }
        for name in names
    ]
    write_catalog(str(folder), "00000-of-00001", rows)
    return str(folder)


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
