"""Which pictures of a folder or a manifest have no label."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_pictures import solid, write_files

from pipeline.selecting.unlabelled_pictures import FoundPictures, find_unlabelled
from trainer_module.contract.errors import InputError

RED = solid("red")


def names(found: FoundPictures) -> list[tuple[str, str]]:
    return sorted((picture.domain, picture.name) for picture in found.pictures)


def test_pictures_without_a_class_folder_are_unlabelled(tmp_path):
    unlabelled = ["fog/1.png", "fog/_to_label/3.png", "fog/_unlabelled/2.png", "rain/4.png"]
    write_files(tmp_path, dict.fromkeys([*unlabelled, "fog/car/5.png", "rain/bus/6.png"], RED))
    found = find_unlabelled(tmp_path, None)
    assert names(found) == [(name.split("/")[0], name) for name in unlabelled]
    assert found.num_labelled == 2
    assert {Path(picture.location).read_bytes() for picture in found.pictures} == {RED}


def test_the_folder_of_a_batch_can_be_read_with_its_other_files(tmp_path):
    write_files(tmp_path, {"fog/_unlabelled/1.png": RED, "_READY": b"", "notes.txt": b"x"})
    found = find_unlabelled(tmp_path, None)
    assert names(found) == [("fog", "fog/_unlabelled/1.png")]
    assert [name for name, _ in found.unusable] == ["notes.txt"]


def test_all_pictures_of_a_folder_can_be_of_one_domain(tmp_path):
    write_files(tmp_path, dict.fromkeys(["1.png", "_unlabelled/2.png", "car/3.png"], RED))
    found = find_unlabelled(tmp_path, "fog")
    assert names(found) == [("fog", "1.png"), ("fog", "_unlabelled/2.png")]
    assert found.num_labelled == 1


def test_a_picture_without_a_domain_is_an_error_that_names_the_option(tmp_path):
    write_files(tmp_path, dict.fromkeys(["1.png", "fog/2.png"], RED))
    with pytest.raises(InputError, match=r"such as 1\.png .*\(1 in all\).* --domain NAME"):
        find_unlabelled(tmp_path, None)


def test_rows_of_a_manifest_with_the_label_of_such_a_folder_are_unlabelled(tmp_path):
    write_files(tmp_path, dict.fromkeys(["1.png", "2.png"], RED))
    rows = ["path,domain,label", "1.png,fog,_unlabelled", "2.png,fog,car", "3.png,fog,_unlabelled"]
    (tmp_path / "list.csv").write_text("\n".join(rows))
    found = find_unlabelled(tmp_path / "list.csv", None)
    assert names(found) == [("fog", "1.png")]
    assert found.num_labelled == 1
    assert [name for name, _ in found.unusable] == ["3.png"]
    with pytest.raises(InputError, match="Leave --domain out"):
        find_unlabelled(tmp_path / "list.csv", "fog")


def test_a_folder_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(InputError, match="is no folder and no manifest"):
        find_unlabelled(tmp_path / "gone", None)


@pytest.mark.parametrize("domain", [None, "fog"])
def test_what_the_sidecar_says_of_a_picture_is_kept(tmp_path, domain):
    paths = ["_unlabelled/1.png", "car/2.png"] if domain else ["fog/1.png", "fog/car/2.png"]
    lines = [f"{path},g,test,car,night" for path in paths]
    write_files(tmp_path, dict.fromkeys(paths, RED))
    (tmp_path / "sidecar.csv").write_text("\n".join(["path,group,split,label,Hour", *lines]) + "\n")
    [picture] = find_unlabelled(tmp_path, domain).pictures
    assert picture.columns == {"group": "g", "split": "test", "hour": "night"}


def test_a_sidecar_that_names_no_picture_is_refused(tmp_path):
    write_files(tmp_path, {"fog/1.png": RED, "sidecar.csv": b"path,group\nfog/2.png,g\n"})
    with pytest.raises(InputError, match=r"fog/2\.png is no picture"):
        find_unlabelled(tmp_path, None)


def test_a_sidecar_that_names_another_domain_than_the_folder_is_refused(tmp_path):
    sidecar = b"path,domain\nfog/_unlabelled/1.png,rain\n"
    write_files(tmp_path, {"fog/_unlabelled/1.png": RED, "sidecar.csv": sidecar})
    with pytest.raises(InputError, match=r"domain of fog/_unlabelled/1\.png is fog, .*: rain"):
        find_unlabelled(tmp_path, None)


def test_further_columns_of_any_type_in_a_parquet_manifest_are_ignored(tmp_path):
    write_files(tmp_path, {"1.png": RED})
    row = {"path": "1.png", "domain": "fog", "label": "_unlabelled", "group": "g", "x": [1.5]}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "list.parquet")
    [picture] = find_unlabelled(tmp_path / "list.parquet", None).pictures
    assert picture.columns == {"group": "g"}
