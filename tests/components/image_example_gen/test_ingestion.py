import io
import os
import stat
import time

import pytest
from memory_file_system import CountingFile, MemoryFileSystem

from components.image_example_gen.ingestion import FileContent, read_file
from components.image_example_gen.picture_reader import UnusablePictureError


@pytest.mark.parametrize("max_bytes", [None, 5, 6])
def test_the_content_and_the_permissions_of_a_file_are_read(tmp_path, max_bytes):
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "a").chmod(0o640)
    content, mode = read_file(str(tmp_path / "a"), max_bytes)
    assert (content, stat.S_IMODE(mode)) == (b"12345", 0o640)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "a").open("wb") as file:
        os.truncate(file.fileno(), 40 * 2**30)
    start = time.monotonic()
    with pytest.raises(UnusablePictureError) as reason:
        read_file(str(tmp_path / "a"), 10**8)
    assert str(reason.value) == (
        "file too large: 42,949,672,960 bytes or more, the limit max_file_bytes is 100,000,000"
    )
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_file_is_not_waited_for(tmp_path, kind):
    if kind == "pipe":
        os.mkfifo(tmp_path / "a")
    else:
        (tmp_path / "a").mkdir()
    with pytest.raises(UnusablePictureError, match="not a regular file"):
        read_file(str(tmp_path / "a"), 10)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UnusablePictureError, match="cannot be opened: No such file"):
        read_file(str(tmp_path / "a"), 10)


def test_of_a_remote_file_no_more_than_the_limit_is_read(monkeypatch):
    monkeypatch.setattr(MemoryFileSystem, "files", {"memory://a": bytes(10**6)})
    monkeypatch.setattr(MemoryFileSystem, "opened", [])
    with pytest.raises(UnusablePictureError, match="file too large: 1,001 bytes or more"):
        read_file("memory://a", 1000)
    [file] = MemoryFileSystem.opened
    assert isinstance(file, CountingFile | io.BytesIO)
    assert file.taken == 1001
    assert read_file("memory://a", 10**6) == FileContent(bytes(10**6), 0o666)
