from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_pictures import solid, write_files

from pipeline.inputs.allowed_roots import AllowedRoots
from pipeline.inputs.manifest import read_manifest_paths
from pipeline.retraining.deliveries import named_folders
from pipeline.retraining.deliveries.inbox import find_deliveries

pytestmark = pytest.mark.component


@pytest.fixture(name="inbox")
def _inbox(tmp_path: Path) -> Path:
    files = {f"{folder}/{number}.png": solid("red") for folder in "ab" for number in range(2)}
    return write_files(tmp_path / "inbox", files)


def names(inbox: Path) -> set[str]:
    return {delivery.name for delivery in find_deliveries(inbox, 0)}


@pytest.mark.parametrize("path", ["a/0.png", "./a/0.png", "b/../a/0.png", "{inbox}/a/0.png"])
def test_a_folder_that_a_manifest_names_is_no_delivery(inbox, path):
    path = path.format(inbox=inbox)
    (inbox / "m.csv").write_text(f"path,domain,label\n{path},day,red\n")
    assert names(inbox) == {"m.csv", "b"}


def test_a_folder_that_a_parquet_manifest_names_is_no_delivery(inbox):
    columns = {"path": ["a/0.png"], "domain": ["day"], "label": ["red"]}
    pq.write_table(pa.table(columns), inbox / "m.parquet")
    assert names(inbox) == {"m.parquet", "b"}


def test_a_folder_that_is_marked_as_ready_is_a_delivery_whoever_names_it(inbox):
    (inbox / "m.csv").write_text("path,domain,label\na/0.png,day,red\n")
    (inbox / "a" / "_READY").touch()
    assert names(inbox) == {"m.csv", "a", "b"}


@pytest.mark.parametrize(
    "text",
    ["path,domain,label\n../a/0.png,day,red\ngs://a/0.png,day,red\n,day,red\n", "no table", ""],
)
def test_other_paths_and_malformed_manifests_hide_no_folder(inbox, text):
    (inbox / "m.csv").write_text(text)
    assert names(inbox) == {"m.csv", "a", "b"}


def test_a_manifest_is_read_again_only_when_it_changed(inbox, monkeypatch):
    manifest = inbox / "m.csv"
    manifest.write_text("path,domain,label\na/0.png,day,red\n")
    read = []

    def reading(location: str, roots: AllowedRoots) -> Iterator[str]:
        read.append(location)
        return read_manifest_paths(location, roots)

    monkeypatch.setattr(named_folders, "read_manifest_paths", reading)
    assert names(inbox) == names(inbox) == {"m.csv", "b"}
    assert len(read) == 1
    manifest.write_text("path,domain,label\nb/0.png,day,red\nb/1.png,day,red\n")
    assert names(inbox) == {"m.csv", "a"}
    assert len(read) == 2
