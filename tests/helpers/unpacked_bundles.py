"""Unpack bundles, and check their sums, with the programs that every site has."""

import shutil
import subprocess
from pathlib import Path


def unpack(path: Path, folder: Path) -> Path:
    """Unpack a bundle with `tar`, and check it with `sha256sum`; return the folder in it."""
    folder.mkdir()
    _run("tar", "-xf", str(path), cwd=folder)
    (inner,) = folder.iterdir()
    check_sums(inner)
    return inner


def check_sums(folder: Path) -> None:
    """Check every file of an unpacked bundle; raise an error if one differs."""
    _run("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS", cwd=folder)


def _run(program: str, *arguments: str, cwd: Path) -> None:
    found = shutil.which(program)
    assert found, program
    subprocess.run([found, *arguments], cwd=cwd, check=True)
