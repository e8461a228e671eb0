"""Manifests whose pictures, or which themselves, lie in a remote store."""

import errno
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from manifests import read_csv, reasons, refusal, write_csv, write_parquet
from memory_file_system import MODIFIED, StoreError

from pipeline.inputs.manifest import BATCH_ROWS, MANIFEST_SUFFIXES, read_manifest

pytestmark = pytest.mark.component


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


def test_a_scheme_without_a_file_system_becomes_a_row_with_a_reason(folder):
    [reason] = reasons(read_csv(folder, "path,domain,label\nnone://b/a.png,day,cat\n"))
    assert reason.startswith("cannot be opened: ")
    assert "none://b/a.png" in reason


@pytest.mark.parametrize("failure", [StoreError(401), StoreError(503), AssertionError("no boto3")])
def test_an_unavailable_store_stops_the_listing_and_rejects_no_rows(folder, store, failure):
    # If these were missing files, an outage would make the data set smaller.
    store.failures["memory://b/a.png"] = failure
    message = refusal(write_csv(folder, "path,domain,label\nmemory://b/a.png,day,cat\n"))
    assert message.startswith(f"memory://b/a.png cannot be looked up: {failure!r}. Check ")


def test_a_missing_remote_manifest_is_an_input_error(store):
    assert "memory://b/m.csv: cannot be opened: No such file" in refusal("memory://b/m.csv")


def test_remote_files_are_looked_up_in_parallel(folder, store, monkeypatch):
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


def test_a_store_gets_options_because_some_need_them(folder, store, monkeypatch):
    seen = SimpleNamespace(options=None)
    monkeypatch.setattr(
        store, "__init__", lambda self, pipeline_options: setattr(seen, "options", pipeline_options)
    )
    store.files["memory://b/a.png"] = b"1"
    read_csv(folder, "path,domain,label\nmemory://b/a.png,day,cat\n")
    assert seen.options is not None
