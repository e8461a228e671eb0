from pathlib import Path

import pyarrow as pa
import pytest
from manifests import read_csv, reasons, write_csv, write_parquet
from tiny_pictures import write_files

from pipeline.inputs.allowed_roots import AllowedRoots
from pipeline.inputs.manifest import BATCH_ROWS, read_manifest
from trainer_module.contract.errors import InputError


def test_a_csv_row_gives_path_domain_label_size_and_time(folder):
    [row] = read_csv(folder, "path,domain,label\na.png,day,cat\n")
    assert row == {
        "path": "a.png",
        "domain": "day",
        "label": "cat",
        "bytes": 1,
        "modified": (folder / "a.png").stat().st_mtime_ns,
    }


def test_both_formats_give_the_same_rows(folder):
    columns = {
        "label": ["cat", "dog", None],
        "path": ["a.png", "b.png", "c.png"],
        "domain": ["day", "night", "day"],
        "split": ["train", None, "test"],
        "group": pa.array([7, None, 8]),
    }
    text = (
        "label,path,domain,split,group\n"
        "cat,a.png,day,train,7\n"
        "dog,b.png,night,,\n"
        ",c.png,day,test,8\n"
    )
    from_csv = read_csv(folder, text)
    from_parquet = list(read_manifest(write_parquet(folder, columns)))
    assert reasons(from_csv) == [None, None, "malformed row: line 4: label is empty"]
    assert reasons(from_parquet) == [None, None, "malformed row: row 3: label is empty"]
    assert from_csv[:2] == from_parquet[:2]


def test_split_and_group_are_given_only_where_the_manifest_gives_them(folder):
    rows = read_csv(
        folder, "path,domain,label,split,group\na.png,day,cat,eval,g1\nb.png,day,cat, ,\n"
    )
    assert (rows[0]["split"], rows[0]["group"]) == ("eval", "g1")
    assert set(rows[1]) == {"path", "domain", "label", "bytes", "modified"}


def test_rows_keep_the_order_of_the_file_over_many_batches(tmp_path):
    names = [f"{n * 7919 % 5000}.png" for n in range(3 * BATCH_ROWS)]
    text = "path,domain,label\n" + "".join(f"{name},day,cat\n" for name in names)
    assert [row["path"] for row in read_csv(tmp_path, text)] == names


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["no mark", "byte order mark"])
def test_a_csv_file_of_a_spreadsheet_is_read(folder, delimiter, end, mark):
    table = ["path,domain,label,note", "a.png,day,schön,x", "b.png,night,dog,"]
    content = mark + (end.join(table) + end).replace(",", delimiter).encode()
    rows = read_csv(folder, content)
    assert [row["label"] for row in rows] == ["schön", "dog"]
    assert reasons(rows) == [None, None]


def test_a_comma_in_the_header_settles_the_delimiter(folder):
    [row] = read_csv(folder, "path,domain,label,a;b\na.png,day;night,cat,1\n")
    assert row["domain"] == "day;night"


def test_spaces_around_names_are_stripped_but_paths_stay_as_written(folder):
    write_files(folder, {" d.png ": b"4444"})
    [row] = read_csv(folder, "path, domain, label , split\n d.png , day/dusk, big cat , test \n")
    assert (row["path"], row["bytes"]) == (" d.png ", 4)
    assert (row["domain"], row["label"], row["split"]) == ("day/dusk", "big cat", "test")


def test_paths_are_absolute_or_relative_to_the_manifest_even_out_of_its_folder(folder, store):
    store.files["memory://bucket/r.png"] = b"55555"
    inner = folder / "lists"
    inner.mkdir()
    paths = ["../a.png", str(folder / "b.png"), "memory://bucket/r.png"]
    rows = read_csv(inner, "path,domain,label\n" + "".join(f"{p},day,cat\n" for p in paths))
    assert [(row["path"], row["bytes"]) for row in rows] == list(zip(paths, (1, 2, 5), strict=True))


def test_a_manifest_without_a_folder_is_in_the_working_directory(folder, monkeypatch):
    write_csv(folder, "path,domain,label\nb.png,day,cat\n")
    monkeypatch.chdir(folder)
    assert [row["bytes"] for row in read_manifest("pictures.csv")] == [2]


def test_a_quoted_field_may_hold_delimiters_quotes_and_line_ends(folder):
    name = 'it is, "so"\nto say.png'
    write_files(folder, {name: b"666666"})
    [row] = read_csv(folder, f'path,domain,label\n"{name.replace(chr(34), chr(34) * 2)}",day,cat\n')
    assert (row["path"], row["bytes"]) == (name, 6)


def test_a_header_alone_gives_no_rows(folder):
    assert read_csv(folder, "path,domain,label") == []


@pytest.mark.parametrize("kind", [pa.int8(), pa.int64(), pa.uint16(), pa.large_string()])
@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "dictionary"])
def test_text_and_whole_numbers_of_a_parquet_column_become_text(folder, kind, wrapped):
    values = ["3", "12"] if kind == pa.large_string() else [3, 12]
    column = pa.array(values, kind)
    columns = {
        "path": ["a.png", "b.png"],
        "domain": ["day", "day"],
        "label": column.dictionary_encode() if wrapped else column,
        "split": pa.nulls(2),
        "picture": [{"width": 1.5}, {"width": 2.5}],
    }
    rows = list(read_manifest(write_parquet(folder, columns)))
    assert [row["label"] for row in rows] == ["3", "12"]
    assert "split" not in rows[0]


def test_a_parquet_row_is_counted_over_batches_and_row_groups(tmp_path):
    count = BATCH_ROWS + 500
    columns = {
        "path": [f"{n}.png" for n in range(count - 1)] + [None],
        "domain": ["day"] * count,
        "label": ["cat"] * count,
    }
    row = list(read_manifest(write_parquet(tmp_path, columns, row_group_size=300)))[-1]
    assert row["path"] == f"row {count}"
    assert row["reason"] == f"malformed row: row {count}: path is empty"


def test_a_suffix_may_be_in_capitals(folder):
    Path(write_csv(folder, "path,domain,label\na.png,day,cat\n")).rename(folder / "P.CSV")
    assert len(list(read_manifest(f"{folder}/P.CSV"))) == 1


def test_the_module_is_imported_without_beam_tensorflow_and_arrow(run_python):
    heavy = "{'apache_beam', 'tensorflow', 'pyarrow'}"
    code = f"import sys, pipeline.inputs.manifest; print({heavy} & {{*sys.modules}})"
    assert run_python("-c", code).stdout == "set()\n"


def test_named_columns_are_slices_and_other_columns_are_not_kept(folder):
    columns = {
        "path": ["a.png", "b.png", "c.png"],
        "domain": ["day", "night", "day"],
        "label": ["cat", "dog", "cat"],
        "Scanner ": ["B", " A ", None],
        "sex": ["NA", "", "nan"],
        "patient": ["Ann", "Bob", "Cid"],
        "bed": pa.array([7, None, 12]),
    }
    text = (
        "path,domain,label,Scanner ,sex,patient,bed\n"
        "a.png,day,cat,B,NA,Ann,7\nb.png,night,dog, A ,,Bob,\nc.png,day,cat,,nan,Cid,12\n"
    )
    slices = ("bed", "scanner", "sex")
    for location in (write_csv(folder, text), write_parquet(folder, columns)):
        rows = list(read_manifest(location, slices=slices))
        assert [row.get("slices") for row in rows] == [
            {"scanner": "B", "bed": "7"},
            {"scanner": "A"},
            {"bed": "12"},
        ]
        assert "Ann" not in str(rows)


def test_a_delivery_may_lack_the_column_of_a_slice(folder):
    location = write_csv(folder, "path,domain,label\na.png,day,cat\n")
    [row] = read_manifest(location, AllowedRoots(folder), ("scanner",))
    assert "slices" not in row
    with pytest.raises(InputError, match="must have one column scanner: "):
        list(read_manifest(location, slices=("scanner",)))


def test_the_message_about_a_column_of_a_slice_that_is_missing_names_a_similar_one(folder):
    location = write_csv(folder, "path,domain,label,scaner\na.png,day,cat,B\n")
    with pytest.raises(InputError) as error:
        list(read_manifest(location, slices=("scanner",)))
    assert str(error.value) == (
        f"manifest {location} must have one column scanner: expected path, domain, label, scanner "
        "and, if wanted, split, group. Received: path, domain, label, scaner. The config key "
        "slices names it. Did you mean scaner? Add the column, or leave the name out"
    )


def test_a_picture_on_the_web_is_rejected_with_what_to_do(folder):
    found = read_csv(folder, "path,domain,label\nHTTPS://host/a.png,day,cat\na.png,day,cat\n")
    expected = "web addresses are not read. Download the file, and name its path"
    assert reasons(found) == [expected, None]
