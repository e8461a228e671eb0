"""Damage to files, as power failures, full disks and people leave it, and small disks."""

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def remove(path: Path) -> None:
    """Remove a file."""
    path.unlink()


def empty(path: Path) -> None:
    """Leave an empty file."""
    path.write_bytes(b"")


def fill_with_zeros(path: Path) -> None:
    """Replace every byte by zero, as some file systems do after a power failure."""
    path.write_bytes(bytes(path.stat().st_size))


def cut_off(path: Path) -> None:
    """Leave the first half of a file, up to a place within a line.

    Whether that is the end of a line would depend on the length of the paths in the file.
    """
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2].rstrip(b"\n"))


def replace_by_a_list(path: Path) -> None:
    """Leave valid JSON and YAML of another type."""
    path.write_text("[]\n")


def replace_by_binary(path: Path) -> None:
    """Leave bytes that are not UTF-8."""
    path.write_bytes(b"\xff\xfe\x00\x80" * 8)


def replace_by_a_folder(path: Path) -> None:
    """Leave a folder of the same name."""
    path.unlink()
    path.mkdir()


#: All kinds of damage to the content of a file.
DAMAGES: list[Callable[[Path], None]] = [
    empty,
    fill_with_zeros,
    cut_off,
    replace_by_a_list,
    replace_by_binary,
    replace_by_a_folder,
]


def damage_id(damage: object) -> str:
    """Return the id of a parameter of a test."""
    return getattr(damage, "__name__", str(damage)).replace("_", " ")


@contextlib.contextmanager
def restored(path: Path) -> Iterator[None]:
    """Put a file back, as from a backup, at the end of the block."""
    content = path.read_bytes()
    yield
    if path.is_dir():
        shutil.rmtree(path)
    path.write_bytes(content)


class SmallDisk:
    """A file system in memory, of a size that can change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Take all space that is left."""
        free = shutil.disk_usage(self.folder).free
        (self.folder / "filler").write_bytes(bytes(free))

    def make_room(self) -> None:
        """Give back the space that `fill` has taken."""
        (self.folder / "filler").unlink()

    def mount_again(self, options: str) -> None:
        """Mount with other options, such as `ro`."""
        _call("mount", "-o", f"remount,{options}", str(self.folder))


@contextlib.contextmanager
def mounted_disk(folder: Path, size: str) -> Iterator[SmallDisk]:
    """Mount a small disk; the test is skipped where that is not permitted."""
    folder.mkdir()
    try:
        _call("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a file system is not permitted")
    try:
        yield SmallDisk(folder)
    finally:
        _call("umount", "-l", str(folder))


def _call(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
