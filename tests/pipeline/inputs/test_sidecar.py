import json
import os
import unicodedata
from pathlib import Path

import pytest
from tiny_pictures import write_files

from components.evaluation.predictions.slice_values import read_slice_values
from pipeline.inputs import sidecar
from pipeline.inputs.allowed_roots import AllowedRoots
from pipeline.inputs.folder import list_folder
from pipeline.inputs.layouts.domain_folder import substitute_folder
from pipeline.inputs.layouts.layout import LayoutOptions
from pipeline.inputs.sidecar import Sidecar
from pipeline.inputs.snapshot import take_snapshot
from trainer_module.contract import regular_file
from trainer_module.contract.errors import InputError, UnavailableError

TREE = ("day/cat/a.png", "day/dog/b.png", "night/cat/c.png", "night/cat/d.png")


@pytest.fixture(name="data")
def _data(tmp_path: Path) -> Path:
    return write_files(tmp_path / "data", dict.fromkeys(TREE, b"1"))


def snapshot_rows(data: Path, options: LayoutOptions | None = None) -> dict[str, dict]:
    snapshot = take_snapshot(str(data), data.with_name("inputs"), options)
    rows = [json.loads(line) for line in snapshot.path.read_text().splitlines()]
    return {row["path"]: row for row in rows}


def groups(data: Path) -> dict[str, str]:
    return {path: row["group"] for path, row in snapshot_rows(data).items() if "group" in row}


def test_a_sidecar_names_the_groups_of_some_pictures_and_is_no_picture_itself(data):
    (data / "sidecar.csv").write_text("path,group\nday/cat/a.png,tom\nnight/cat/c.png,tom\n")
    assert set(snapshot_rows(data)) == set(TREE)
    assert groups(data) == {"day/cat/a.png": "tom", "night/cat/c.png": "tom"}


@pytest.mark.parametrize(
    "content",
    [
        b"group;path;note\ntom;day/cat/a.png;x\n",
        b"\xef\xbb\xbfPath,Group\r\n./day/cat/a.png, tom \r\n",
        b'sep=,\npath,group,domain,label\n"day/cat/a.png",tom,day,cat\n',
        "path\tgroup\nday/cat/a.png\ttom\n".encode("utf-16"),
    ],
    ids=["semicolons", "BOM and spaces", "Excel, with domain and label", "UTF-16"],
)
def test_every_form_of_a_csv_file_is_read(data, content):
    (data / "sidecar.csv").write_bytes(content)
    assert groups(data) == {"day/cat/a.png": "tom"}


def test_a_sidecar_names_splits_and_an_empty_cell_leaves_the_choice_to_the_hash(data):
    (data / "sidecar.csv").write_text(
        "path,split,group\nday/cat/a.png,test,\nnight/cat/c.png,,film 7\n"
    )
    rows = snapshot_rows(data)
    assert rows["day/cat/a.png"]["split"] == "test"
    assert "group" not in rows["day/cat/a.png"]
    assert rows["night/cat/c.png"]["group"] == "film 7"
    assert "split" not in rows["night/cat/c.png"]


@pytest.mark.parametrize("domain", ["gate/1", ".night", "x" * 250])
def test_a_sidecar_names_a_domain_that_no_folder_can_be_named_after(data, domain):
    folder = substitute_folder(domain)
    (data / "day").rename(data / folder)
    (data / "sidecar.csv").write_text(f"path,domain\n{folder}/cat/a.png,{domain}\n")
    domains = {path: row["domain"] for path, row in snapshot_rows(data).items()}
    assert domains[f"{folder}/cat/a.png"] == domain
    assert [path for path, name in domains.items() if name == domain] == [f"{folder}/cat/a.png"]


def test_a_name_in_the_other_unicode_form_is_found(data):
    name = "day/cat/caf\u00e9.png"
    write_files(data, {unicodedata.normalize("NFD", name): b"1"})
    (data / "sidecar.csv").write_text(f"path,group\n{name},bar\n", encoding="utf-8")
    assert list(groups(data).values()) == ["bar"]


def test_another_group_is_another_snapshot(data):
    (data / "sidecar.csv").write_text("path,group\nday/cat/a.png,tom\n")
    before = take_snapshot(str(data), data.with_name("inputs"))
    (data / "sidecar.csv").write_text("path,group\nday/cat/a.png,kit\n")
    assert take_snapshot(str(data), data.with_name("inputs")).digest != before.digest


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,group\nday/cat/x.png,1\n", "line 2: day/cat/x.png is no picture of the folder"),
        ("path,group\nday\\cat\\a.png,1\n", "line 2: .* is no picture of the folder"),
        ("path,group\nday/cat/.DS_Store,1\n", "line 2: .* is no picture of the folder"),
        ("path,split\nday/cat/a.png,Val\n", "line 2: split must be one of .*Write eval"),
        ("path,group\nday/cat/a.png,nan\n", "line 2: group is nan"),
        ("path,label\nday/cat/a.png,dog\n", "line 2: label of day/cat/a.png is cat, as its folder"),
        ("path,domain\nday/cat/a.png,sea\n", "line 2: domain of day/cat/a.png is day"),
        ("path,domain\nday/cat/a.png,day/1\n", "line 2: domain of day/cat/a.png is day"),
        ("path,group\nday/cat/a.png,1\n\nday/cat/a.png,2\n", "line 4: path is listed before"),
        ("path,group\nday/cat/a.png\n", "line 2: 1 columns, expected 2"),
        ("file,group\nday/cat/a.png,1\n", "must have one column path.*Rename file to path"),
        ("", "must have one column path"),
    ],
)
def test_what_is_wrong_in_a_sidecar_is_an_error_with_its_line(data, content, message):
    (data / "sidecar.csv").write_text(content)
    with pytest.raises(InputError, match=message) as raised:
        snapshot_rows(data)
    assert str(data / "sidecar.csv") in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_sidecar_of_a_delivery_with_too_many_rows_is_refused(data, monkeypatch):
    rows = [f"{path},1\n" for path in TREE]
    (data / "sidecar.csv").write_text("".join(["path,group\n", *rows]))
    monkeypatch.setattr(sidecar, "MAX_DELIVERED_ROWS", len(rows))
    Sidecar(data, AllowedRoots(data.parent))
    monkeypatch.setattr(sidecar, "MAX_DELIVERED_ROWS", len(rows) - 1)
    with pytest.raises(InputError, match=r"sidecar\.csv: has too many rows, and the limit is 3\."):
        Sidecar(data, AllowedRoots(data.parent))
    assert len(groups(data)) == len(rows)  # the user's own data have no limit


def test_a_sidecar_of_a_delivery_that_is_too_large_is_not_read(data):
    (data / "sidecar.csv").write_text("path,group\n")
    os.truncate(data / "sidecar.csv", sidecar.MAX_DELIVERED_BYTES + 1)
    with pytest.raises(InputError, match="has 268,435,457 bytes, and the limit is 268,435,456"):
        Sidecar(data, AllowedRoots(data.parent))


def test_a_split_that_contradicts_the_folders_is_an_error(tmp_path):
    paths = [
        f"{split}/day/{label}/{number}.png"
        for split in ("train", "test")
        for label in ("cat", "dog")
        for number in (1, 2)
    ]
    data = write_files(tmp_path / "data", dict.fromkeys(paths, b"1"))
    options = LayoutOptions("split/domain/class")
    (data / "sidecar.csv").write_text("path,split\ntest/day/cat/1.png,test\n")
    assert snapshot_rows(data, options)["test/day/cat/1.png"]["split"] == "test"
    (data / "sidecar.csv").write_text("path,split\ntest/day/cat/1.png,train\n")
    with pytest.raises(InputError, match=r"line 2: split of test/day/cat/1\.png is test"):
        snapshot_rows(data, options)


def test_a_listing_of_paths_alone_does_not_read_the_sidecar(data):
    # What `carryover predict` and the stamp of a delivery need.
    (data / "sidecar.csv").write_text("path,group\nday/cat/gone.png,1\n")
    assert [row["path"] for row in list_folder(data)] == sorted(TREE)


def test_a_sidecar_in_a_deeper_folder_is_a_file_like_any_other(data):
    write_files(data, {"day/cat/sidecar.csv": b"path,group\n"})
    assert "day/cat/sidecar.csv" in snapshot_rows(data)


def test_a_sidecar_that_cannot_be_read_is_unavailable(data, monkeypatch):
    (data / "sidecar.csv").write_text("path,group\n")

    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(regular_file.os, "open", fail)
    with pytest.raises(UnavailableError, match=r"sidecar\.csv cannot be read: Permission denied"):
        Sidecar(data)


def slice_values(data: Path) -> dict[bytes, dict[str, str]]:
    snapshot = take_snapshot(str(data), data.with_name("inputs"), slices=("scanner", "sex"))
    assert "scanner" not in snapshot.path.read_text()
    return read_slice_values(str(snapshot.slice_values), [path.encode() for path in TREE])


def test_a_sidecar_names_values_of_slices_which_are_kept_beside_the_listing(data):
    (data / "sidecar.csv").write_text(
        "path,group,scanner,sex,note\nday/cat/a.png,tom,B,F,x\nnight/cat/c.png,,A,,y\n"
    )
    assert slice_values(data) == {
        b"day/cat/a.png": {"scanner": "B", "sex": "F"},
        b"night/cat/c.png": {"scanner": "A"},
    }


def test_other_values_of_slices_are_the_same_snapshot_of_the_pictures(data):
    before = take_snapshot(str(data), data.with_name("inputs"))
    assert before.slice_values is None
    files = set()
    for scanner in ("A", "B"):
        (data / "sidecar.csv").write_text(f"path,scanner\nday/cat/a.png,{scanner}\n")
        after = take_snapshot(str(data), data.with_name("inputs"), slices=("scanner",))
        assert after.digest == before.digest
        files.add(after.slice_values)
    assert len(files) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no usable picture has a value of scanner"),
        ("path,scanner,sex\nday/cat/a.png,,F\n", "no usable picture has a value of scanner"),
        ("path,scanner\nday/cat/a.png,A\n", "sidecar.csv must have one column sex"),
    ],
    ids=["no sidecar", "no value", "no column"],
)
def test_a_slice_of_which_no_picture_has_a_value_is_an_error(data, content, message):
    if content:
        (data / "sidecar.csv").write_text(content)
    with pytest.raises(InputError, match=message) as raised:
        slice_values(data)
    assert "\n" not in str(raised.value)
    assert not list(data.with_name("inputs").glob("*"))
