import os
import stat
from pathlib import Path

import pytest

from trainer_module.contract.regular_file import NOT_REGULAR, UnusableFileError, open_regular


def test_a_regular_file_is_read(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    with open_regular(str(tmp_path / "a")) as file:
        assert file.read() == b"content"


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_other_kinds_are_refused_without_waiting(tmp_path, kind):
    path = tmp_path / "a"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(UnusableFileError, match=NOT_REGULAR):
        open_regular(str(path))


def test_a_socket_cannot_be_opened(tmp_path):
    os.mknod(tmp_path / "a", stat.S_IFSOCK | 0o600)
    with pytest.raises(OSError, match="No such device"):
        open_regular(str(tmp_path / "a"))


def test_the_check_sees_the_file_that_is_open(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "folder").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to("folder/secret")
    seen = []

    def find_fault(path: str) -> str:
        seen.append(path)
        return "it is secret"

    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(UnusableFileError, match="it is secret"):
        open_regular(str(tmp_path / "link"), find_fault)
    assert seen == [str(tmp_path / "secret")]
    assert len(list(Path("/proc/self/fd").iterdir())) == before  # it is closed
