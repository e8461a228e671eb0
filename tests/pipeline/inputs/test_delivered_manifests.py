"""Manifests that are deliveries: what they may name, and how large they may be."""

import os
from pathlib import Path

import pytest
from manifests import reasons, write_csv, write_parquet

from pipeline.inputs import csv_table, manifest
from pipeline.inputs.allowed_roots import OUTSIDE, AllowedRoots
from pipeline.inputs.manifest import read_manifest
from trainer_module.contract.errors import InputError

HEADER = "path,domain,label\n"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_elsewhere_are_not_looked_up(tmp_path, suffix):
    (tmp_path / "1.png").write_bytes(b"1")
    (tmp_path / "2.png").symlink_to("/etc/passwd")
    paths = ["1.png", "2.png", "../x.png", "/etc/passwd", "/no/such", "memory://1", "file:///etc/x"]
    columns = {"path": paths, "domain": ["a"] * 7, "label": ["b"] * 7}
    if suffix == "csv":
        location = write_csv(tmp_path, HEADER + "".join(f"{path},a,b\n" for path in paths))
    else:
        location = write_parquet(tmp_path, columns)
    rows = list(read_manifest(location, AllowedRoots(tmp_path)))
    above = tmp_path.parent
    folders = [None, "/etc", str(above), "/etc", "/no", "memory://", "/etc"]
    assert reasons(rows) == [folder and f"{OUTSIDE}: {folder}" for folder in folders]
    assert [row["bytes"] for row in rows] == [1, 0, 0, 0, 0, 0, 0]
    assert reasons(read_manifest(location))[:2] == [None, None]  # the user's own may name any


def test_a_manifest_that_is_a_link_to_another_place_is_not_read(tmp_path):
    (tmp_path / "inbox").mkdir()
    (tmp_path / "m.csv").write_text("secret\n")
    (tmp_path / "inbox" / "m.csv").symlink_to("../m.csv")
    with pytest.raises(InputError, match=OUTSIDE) as error:
        list(read_manifest(str(tmp_path / "inbox" / "m.csv"), AllowedRoots(tmp_path / "inbox")))
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("name", ["m.csv", "m.parquet"])
def test_a_manifest_that_is_too_large_is_not_read(tmp_path, name, monkeypatch):
    (tmp_path / name).write_bytes(HEADER.encode())
    os.truncate(tmp_path / name, manifest.MAX_DELIVERED_BYTES + 1)
    with pytest.raises(InputError, match="has 268,435,457 bytes, and the limit is 268,435,456"):
        list(read_manifest(str(tmp_path / name), AllowedRoots(tmp_path)))


def test_a_chunk_of_parquet_that_is_too_large_is_not_unpacked(tmp_path, monkeypatch):
    columns = {"path": ["a" * 10_000], "domain": ["a"], "label": ["b"]}
    location = write_parquet(tmp_path, columns, compression="gzip", use_dictionary=False)
    assert Path(location).stat().st_size < 5_000
    monkeypatch.setattr(manifest, "MAX_CHUNK", 9_000)
    with pytest.raises(InputError, match=r"column path has a row group of 10,\d+ bytes"):
        list(read_manifest(location, AllowedRoots(tmp_path)))
    assert len(list(read_manifest(location))) == 1


@pytest.mark.parametrize(
    "text",
    ["x" * 400, HEADER + "x" * 400, HEADER + "a,b,c\n" + '"' + "x" * 400, "sep=;\n" + "x" * 400],
)
def test_a_line_without_an_end_is_not_read_into_memory(tmp_path, text, monkeypatch):
    monkeypatch.setattr(csv_table, "MAX_LINE", 300)
    with pytest.raises(InputError, match="a line has more than 300 characters"):
        list(read_manifest(write_csv(tmp_path, text)))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_of_the_longest_length_is_read(tmp_path, end, monkeypatch):
    monkeypatch.setattr(csv_table, "MAX_LINE", 300)
    row = "x" * (300 - len(",a,b") - len(end)) + f",a,b{end}"
    text = HEADER.strip() + end + row * 3
    assert len(list(read_manifest(write_csv(tmp_path, text)))) == 3


def test_a_message_shows_the_first_columns_alone(tmp_path):
    with pytest.raises(InputError) as error:
        list(read_manifest(write_csv(tmp_path, "x," * 10_000 + "y\n")))
    assert len(str(error.value)) < 700
