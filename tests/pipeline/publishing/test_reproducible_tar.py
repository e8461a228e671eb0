"""Archives whose bytes depend on names and contents alone."""

import io
import tarfile
from pathlib import Path

import pytest
from unpacked_bundles import unpack

from pipeline.publishing.reproducible_tar import write_tar
from trainer_module.contract.errors import UnavailableError


def entries(content: bytes):
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return archive.getmembers()


def test_the_order_of_the_files_does_not_matter():
    files = {"b/2": b"two", "a": b"one", "b/1": b""}
    archives = [io.BytesIO(), io.BytesIO()]
    digests = {write_tar(archives[0], "root", files)}
    digests.add(write_tar(archives[1], "root", dict(reversed(files.items()))))
    assert archives[0].getvalue() == archives[1].getvalue()
    assert len(digests) == 1
    found = [one.name for one in entries(archives[0].getvalue())]
    assert found == ["root", "root/a", "root/b", "root/b/1", "root/b/2", "root/SHA256SUMS"]


def test_owners_times_and_permissions_are_constants(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    path.chmod(0o600)
    target = io.BytesIO()
    write_tar(target, "root", {"file": path})
    for one in entries(target.getvalue()):
        assert (one.uid, one.gid, one.uname, one.gname) == (0, 0, "", "")
        assert one.mtime == 315532800
        assert one.mode == (0o755 if one.isdir() else 0o644)


def test_sha256sum_accepts_names_with_line_ends_and_other_letters(tmp_path):
    with (tmp_path / "a.tar").open("wb") as target:
        write_tar(target, "root", {"two\nlines": b"1", "back\\slash": b"2", "ß" * 120: b"3"})
    inner = unpack(tmp_path / "a.tar", tmp_path / "unpacked")
    assert (inner / "two\nlines").read_bytes() == b"1"


def test_a_file_that_was_cut_off_while_it_was_read_is_named(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(bytes(1_000_000))

    class Target(io.BytesIO):
        def write(self, content):
            if self.tell() > 100_000:
                path.write_bytes(b"")
            return super().write(content)

    with pytest.raises(UnavailableError, match="weights cannot be read: it was cut off while"):
        write_tar(Target(), "root", {"b": path})


def test_a_full_disk_is_an_error_of_the_disk(tmp_path):
    with pytest.raises(OSError, match="No space left"), Path("/dev/full").open("wb", 0) as target:
        write_tar(target, "root", {"a": bytes(50_000)})
