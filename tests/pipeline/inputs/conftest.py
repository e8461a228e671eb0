"""Fixtures for manifests: a folder of files, and a remote store."""

from pathlib import Path

import pytest
from memory_file_system import MemoryFileSystem
from tiny_pictures import write_files


@pytest.fixture(name="store")
def _store(monkeypatch) -> type[MemoryFileSystem]:
    for name, empty in {"files": {}, "failures": {}, "opened": []}.items():
        monkeypatch.setattr(MemoryFileSystem, name, empty)
    return MemoryFileSystem


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "data", {"a.png": b"1", "b.png": b"22", "c.png": b"333"})
