"""The pictures on disk, and how they differ from built ones."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import PIL
from PIL import Image, UnidentifiedImageError, features

from emoji_pictures.drawing import DOMAINS
from emoji_pictures.lookalike_groups import SIDECAR
from emoji_pictures.npm_package import Files
from emoji_pictures.progress import say


def read_committed(root: Path) -> Files:
    """Return the domains' files under `root` and the sidecars beside them, by relative path."""
    folders = [root / domain.folder for domain in DOMAINS.values()]
    paths = {path for folder in folders for path in folder.rglob("*")}
    paths |= {folder.parent / SIDECAR for folder in folders}
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(paths)
        if path.is_file()
    }


def write(built: Files, root: Path) -> None:
    """Make the domains' folders and sidecars under `root` exactly the files that were built."""
    for path in read_committed(root).keys() - built.keys():
        (root / path).unlink()
    for path, content in built.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


@dataclass(frozen=True)
class Differences:
    """How committed pictures differ from built ones; each field lists paths.

    Attributes:
        missing: Built, but not committed.
        extra: Committed, but not built.
        pixels: Another picture, or no picture at all.
        compression: The same pixels in other bytes.
    """

    missing: list[str]
    extra: list[str]
    pixels: list[str]
    compression: list[str]

    @property
    def matter(self) -> bool:
        """Whether a picture is missing, extra or another one."""
        return bool(self.missing or self.extra or self.pixels)


def compare(committed: Files, built: Files) -> Differences:
    """Compare two sets of PNG files, each by path."""
    changed = sorted(
        path for path in committed.keys() & built.keys() if committed[path] != built[path]
    )
    same_pixels = {path for path in changed if _same_pixels(committed[path], built[path])}
    return Differences(
        missing=sorted(built.keys() - committed.keys()),
        extra=sorted(committed.keys() - built.keys()),
        pixels=[path for path in changed if path not in same_pixels],
        compression=sorted(same_pixels),
    )


def _same_pixels(committed: bytes, built: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(committed)) as left, Image.open(io.BytesIO(built)) as right:
            return (left.mode, left.size, left.tobytes()) == (
                right.mode,
                right.size,
                right.tobytes(),
            )
    except (UnidentifiedImageError, OSError, SyntaxError):  # what Pillow raises on a broken PNG
        return False


def describe(differences: Differences) -> list[str]:
    """Return one line for each kind of difference, with the first path as an example."""
    kinds = [
        (differences.missing, "missing; run data/build_pictures.py to add them"),
        (differences.extra, "not built from the packages; remove them"),
        (differences.pixels, "different in their pixels from what the packages give"),
        (
            differences.compression,
            "the same in every pixel, only compressed differently, which is no error "
            f"(here: Pillow {PIL.__version__}, zlib {features.version('zlib')})",
        ),
    ]
    return [f"{what}: {len(paths)}, such as {paths[0]}" for paths, what in kinds if paths]


def check(built: Files, root: Path) -> int:
    """Report how `root` differs from what was built; return the exit code."""
    differences = compare(read_committed(root), built)
    for line in describe(differences):
        say(line)
    if differences.matter:
        return 1
    say(f"all {len(built)} files are what the packages give")
    return 0
