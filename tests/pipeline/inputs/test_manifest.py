import errno
import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.io.filesystem import BeamIOError, FileMetadata, FileSystem
from tiny_pictures import write_files

from pipeline.inputs.manifest import BATCH_ROWS, MANIFEST_SUFFIXES, read_manifest
from trainer_module.contract.errors import InputError

MODIFIED = 1_700_000_000_123_456_000  # ns


class StoreError(Exception):
    """As the clients of stores raise it: an HTTP status in `code`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"status {code}")
        self.code = code


class CountingFile(io.BytesIO):
    """Knows how much of it was read."""

    taken = 0

    def read(self, *args):
        content = super().read(*args)
        self.taken += len(content)
        return content

    def read1(self, *args):
        content = super().read1(*args)
        self.taken += len(content)
        return content


class MemoryFileSystem(FileSystem):
    """Serves memory://; Beam finds it by its scheme."""

    files: dict[str, bytes] = {}  # noqa: RUF012 (Beam makes an instance per call)
    failures: dict[str, Exception] = {}  # noqa: RUF012
    opened: list[CountingFile] = []  # noqa: RUF012
    on_look_up = staticmethod(lambda: None)

    @classmethod
    def scheme(cls):
        return "memory"

    def open(self, path, mime_type="", compression_type=""):
        self.opened.append(CountingFile(self.files[path]))
        return self.opened[-1]

    def metadata(self, path):
        self.on_look_up()
        error = self.failures.get(path) or (path not in self.files and StoreError(404))
        if error:
            raise BeamIOError("Metadata operation failed", {path: error})
        return FileMetadata(path, len(self.files[path]), MODIFIED / 1e9)

    def _unused(self, *args, **kwargs):
        raise NotImplementedError

    join = split = mkdirs = has_dirs = _list = create = copy = rename = _unused
    exists = size = last_updated = checksum = delete = _unused


@pytest.fixture(name="store")
def _store(monkeypatch) -> type[MemoryFileSystem]:
    for name, empty in {"files": {}, "failures": {}, "opened": []}.items():
        monkeypatch.setattr(MemoryFileSystem, name, empty)
    return MemoryFileSystem


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "data", {"a.png": b"1", "b.png": b"22", "c.png": b"333"})


def write_csv(folder: Path, text: str | bytes) -> str:
    path = folder / "pictures.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def write_parquet(folder: Path, columns: dict, **options) -> str:
    path = folder / "pictures.parquet"
    pq.write_table(pa.table(columns), path, **options)
    return str(path)


def read_csv(folder: Path, text: str | bytes) -> list[dict]:
    return list(read_manifest(write_csv(folder, text)))


def reasons(rows: Iterator[dict] | list[dict]) -> list[str | None]:
    return [row.get("reason") for row in rows]


def refusal(location: str) -> str:
    with pytest.raises(InputError) as error:
        list(read_manifest(location))
    assert "\n" not in str(error.value)
    return str(error.value)


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
def test_what_spreadsheets_save_is_read(folder, delimiter, end, mark):
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


def test_paths_are_relative_to_the_manifest_absolute_or_lead_out_of_its_folder(folder, store):
    store.files["memory://bucket/r.png"] = b"55555"
    inner = folder / "lists"
    inner.mkdir()
    paths = ["../a.png", str(folder / "b.png"), "memory://bucket/r.png"]
    rows = read_csv(inner, "path,domain,label\n" + "".join(f"{p},day,cat\n" for p in paths))
    assert [(row["path"], row["bytes"]) for row in rows] == list(zip(paths, (1, 2, 5), strict=True))


def test_a_manifest_named_without_a_folder_lies_in_the_working_directory(folder, monkeypatch):
    write_csv(folder, "path,domain,label\nb.png,day,cat\n")
    monkeypatch.chdir(folder)
    assert [row["bytes"] for row in read_manifest("pictures.csv")] == [2]


def test_files_that_cannot_be_used_become_rows_with_a_reason(folder):
    os.mkfifo(folder / "pipe.png")  # opening one would wait for ever
    (folder / "folder.png").mkdir()
    text = "path,domain,label\ngone.png,day,cat\npipe.png,day,cat\nfolder.png,day,cat\n"
    rows = read_csv(folder, text)
    assert reasons(rows) == [
        "cannot be opened: No such file or directory",
        "not a regular file",
        "not a regular file",
    ]
    assert rows[0] == {
        "path": "gone.png",
        "domain": "day",
        "label": "cat",
        "bytes": 0,
        "modified": 0,
        "reason": "cannot be opened: No such file or directory",
    }


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (",day,cat,train", "path is empty"),
        ("b.png,,cat,train", "domain is empty"),
        ("b.png,day, ,train", "label is empty"),
        (
            "b.png,day,cat,valid",
            "split must be one of train, eval, test. Received: valid",
        ),
        ("b.png,day,cat", "3 columns, expected 4"),
        ("b.png,day,cat,train,x", "5 columns, expected 4"),
        ("a.png,night,dog,eval", "path is listed before"),
    ],
)
def test_a_malformed_row_says_where_and_why_and_the_others_are_read(folder, line, fault):
    text = f"path,domain,label,split\na.png,day,cat,train\n{line}\nc.png,day,cat,test\n"
    rows = read_csv(folder, text)
    assert reasons(rows) == [None, f"malformed row: line 3: {fault}", None]
    assert (rows[1]["bytes"], rows[1]["modified"]) == (0, 0)


def test_a_malformed_row_keeps_what_is_known_and_is_called_by_its_line_otherwise(folder):
    rows = read_csv(folder, "path,domain,label\n,day,cat\nb.png\nb.png,,cat\n")
    known = [(row["path"], row["domain"], row["label"]) for row in rows]
    assert known == [("line 2", "day", "cat"), ("line 3", "", ""), ("b.png", "", "cat")]


def test_a_path_may_be_listed_again_after_a_malformed_row(folder):
    rows = read_csv(folder, "path,domain,label\na.png,day,\na.png,day,cat\na.png,day,cat\n")
    assert reasons(rows) == [
        "malformed row: line 2: label is empty",
        None,
        "malformed row: line 4: path is listed before",
    ]


def test_a_line_number_is_the_one_an_editor_shows(folder):
    # Line ends inside of quotes, and blank lines, count as lines.
    text = (
        'path,domain,label,"a\nnote"\n'
        'a.png,day,cat,"one\ntwo\n\nthree"\n'
        "\n"
        "b.png,day,,x\n"
        '"c\n.png",day,"",x\n'
        "c.png,day\n"
    )
    found = [reason.split(": ")[1] for reason in reasons(read_csv(folder, text)) if reason]
    assert found == ["line 8", "line 9", "line 11"]


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


@pytest.mark.parametrize(
    ("column", "received"),
    [
        (pa.array([3.0]), "double"),
        (pa.array([b"cat"]), "binary"),
        (pa.array([True]), "bool"),
        (pa.array([["cat"]]), "list"),
    ],
)
def test_a_parquet_column_of_another_type_is_an_input_error(folder, column, received):
    columns = {"path": ["a.png"], "domain": ["day"], "label": column}
    message = refusal(write_parquet(folder, columns))
    assert "column label must hold text or whole numbers. Received: " + received in message


def test_text_of_a_parquet_file_that_is_no_utf_8_is_an_input_error(folder):
    broken = pa.array([b"caf\xe9.png"]).view(pa.string())
    message = refusal(write_parquet(folder, {"path": broken, "domain": ["day"], "label": ["cat"]}))
    assert "cannot be read as Parquet" in message


@pytest.mark.parametrize("content", [b"", b"path,domain,label\n", b"PAR1" + b"\xff" * 64 + b"PAR1"])
def test_a_file_that_is_no_parquet_is_an_input_error(tmp_path, content):
    path = tmp_path / "pictures.parquet"
    path.write_bytes(content)
    assert f"manifest {path} cannot be read as Parquet" in refusal(str(path))


@pytest.mark.parametrize(
    ("header", "missing"),
    [("path,domain", "label"), ("", "path"), ("path,domain,label,path", "path")],
)
def test_columns_missing_or_there_twice_are_an_input_error(folder, header, missing):
    location = write_csv(folder, header)
    assert refusal(location) == (
        f"manifest {location} must have one column {missing}: expected path, domain, label and, "
        "if wanted, split, group. "
        f"Received: {header.replace(',', ', ') or 'an empty file'}"
    )


def test_missing_columns_of_a_parquet_file_are_an_input_error(folder):
    assert "must have one column domain" in refusal(write_parquet(folder, {"path": ["a.png"]}))


def test_a_csv_file_that_is_not_utf_8_is_an_input_error_after_the_rows_before_it(folder):
    # Far enough apart that they are not decoded at once.
    text = b"path,domain,label\na.png,day,cat\n" + b"\n" * 20_000 + b"caf\xe9.png,day,cat\n"
    assert "cannot be read from line " in refusal(write_csv(folder, text))
    assert "UTF-8" in refusal(write_csv(folder, text))


@pytest.mark.parametrize(
    "rows",
    ['a.png,day,"cat\nb.png,day,cat\n', 'a.png,day,"c"at\n'],
    ids=["not closed", "closed too early"],
)
def test_broken_quotes_are_an_input_error_with_their_line(folder, rows):
    # Reading on would make one row of all that follow.
    location = write_csv(folder, f"path,domain,label\nc.png,day,cat\n{rows}")
    assert f"manifest {location} cannot be read from line 3 on: " in refusal(location)


def test_a_missing_manifest_is_an_input_error(tmp_path):
    assert refusal(f"{tmp_path}/none.csv") == (
        f"manifest {tmp_path}/none.csv: cannot be opened: No such file or directory. "
        "Give a CSV or Parquet file."
    )


def test_a_folder_named_like_a_manifest_is_an_input_error(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    assert "not a regular file" in refusal(f"{tmp_path}/folder.csv")


@pytest.mark.parametrize("name", ["pictures.xlsx", "pictures", "pictures.csv.gz"])
def test_an_unknown_suffix_names_the_known_ones(tmp_path, name):
    message = refusal(f"{tmp_path}/{name}")
    assert all(suffix in message for suffix in MANIFEST_SUFFIXES)


def test_a_suffix_may_be_in_capitals(folder):
    Path(write_csv(folder, "path,domain,label\na.png,day,cat\n")).rename(folder / "P.CSV")
    assert len(list(read_manifest(f"{folder}/P.CSV"))) == 1


@pytest.mark.parametrize("suffix", MANIFEST_SUFFIXES)
def test_a_remote_manifest_lists_remote_pictures_beside_it(folder, store, suffix):
    if suffix == ".csv":
        local = write_csv(folder, "path,domain,label\nday/a.png,day,cat\n")
    else:
        columns = {"path": ["day/a.png"], "domain": ["day"], "label": ["cat"]}
        local = write_parquet(folder, columns)
    store.files |= {
        f"memory://bucket/v1/pictures{suffix}": Path(local).read_bytes(),
        "memory://bucket/v1/day/a.png": b"1234",
    }
    assert list(read_manifest(f"memory://bucket/v1/pictures{suffix}")) == [
        {"path": "day/a.png", "domain": "day", "label": "cat", "bytes": 4, "modified": MODIFIED}
    ]


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (StoreError(404), "No such file or directory"),
        (StoreError(403), "Permission denied"),
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)), "No such file or directory"),
        (ValueError("no object is named"), "no object is named"),
    ],
    ids=["missing", "forbidden", "missing, by errno", "not a path of the store"],
)
def test_a_remote_file_that_cannot_be_used_becomes_a_row_with_a_reason(
    folder, store, failure, reason
):
    store.files["memory://b/b.png"] = b"1"
    store.failures["memory://b/a.png"] = failure
    text = "path,domain,label\nmemory://b/a.png,day,cat\nmemory://b/b.png,day,cat\n"
    assert reasons(read_csv(folder, text)) == [f"cannot be opened: {reason}", None]


def test_a_scheme_that_nobody_serves_becomes_a_row_with_a_reason(folder):
    [reason] = reasons(read_csv(folder, "path,domain,label\nnone://b/a.png,day,cat\n"))
    assert reason.startswith("cannot be opened: ")
    assert "none://b/a.png" in reason


@pytest.mark.parametrize("failure", [StoreError(401), StoreError(503), AssertionError("no boto3")])
def test_a_store_that_cannot_be_used_stops_the_listing_and_rejects_no_rows(folder, store, failure):
    # Taken for missing files, an outage would make a smaller data set of it.
    store.failures["memory://b/a.png"] = failure
    message = refusal(write_csv(folder, "path,domain,label\nmemory://b/a.png,day,cat\n"))
    assert message.startswith(f"memory://b/a.png cannot be looked up: {failure!r}. Check ")


def test_a_missing_remote_manifest_is_an_input_error(store):
    assert "memory://b/m.csv: cannot be opened: No such file" in refusal("memory://b/m.csv")


def test_remote_files_are_looked_up_side_by_side(folder, store, monkeypatch):
    together = threading.Barrier(8, timeout=20)  # each look-up waits for seven others
    monkeypatch.setattr(store, "on_look_up", staticmethod(together.wait))
    store.files |= {f"memory://b/{n}.png": b"" for n in range(16)}
    text = "path,domain,label\n" + "".join(f"memory://b/{n}.png,day,cat\n" for n in range(16))
    rows = read_csv(folder, text)
    assert [row["path"] for row in rows] == list(store.files)
    assert reasons(rows) == [None] * 16


@pytest.mark.parametrize("suffix", MANIFEST_SUFFIXES)
def test_a_manifest_is_read_while_its_rows_are_taken(tmp_path, store, suffix):
    count = 20 * BATCH_ROWS
    paths = [f"{n:099}.png" for n in range(count)]
    if suffix == ".csv":
        lines = "".join(f"{path},day,cat\n" for path in paths)
        local = write_csv(tmp_path, f"path,domain,label\n{lines}")
    else:
        columns = {"path": paths, "domain": ["day"] * count, "label": ["cat"] * count}
        local = write_parquet(tmp_path, columns, row_group_size=BATCH_ROWS, compression="none")
    content = Path(local).read_bytes()
    store.files[f"memory://b/m{suffix}"] = content
    rows = read_manifest(f"memory://b/m{suffix}")
    assert next(rows)["path"] == paths[0]
    [file] = store.opened
    assert 0 < file.taken < len(content) / 2
    rows.close()
    assert file.closed


def test_a_store_gets_options_because_some_do_not_work_without(folder, store, monkeypatch):
    seen = SimpleNamespace(options=None)
    monkeypatch.setattr(
        store, "__init__", lambda self, pipeline_options: setattr(seen, "options", pipeline_options)
    )
    store.files["memory://b/a.png"] = b"1"
    read_csv(folder, "path,domain,label\nmemory://b/a.png,day,cat\n")
    assert seen.options is not None


def test_the_module_is_imported_without_beam_tensorflow_and_arrow(run_python):
    heavy = "{'apache_beam', 'tensorflow', 'pyarrow'}"
    code = f"import sys, pipeline.inputs.manifest; print({heavy} & {{*sys.modules}})"
    assert run_python("-c", code).stdout == "set()\n"
