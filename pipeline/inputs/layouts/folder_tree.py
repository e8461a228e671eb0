"""Numbers of pictures per folder, from which the layout of a data set is recognised."""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath

#: Suffixes of pictures. In a tree without such files, every file in a folder counts as a picture.
PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
    | {".ppm", ".pgm", ".pnm", ".avif", ".heic", ".jp2"}
)

#: Suffixes of files in which annotation tools write labels.
ANNOTATION_SUFFIXES = frozenset({".json", ".xml"})

#: Deeper folders are counted as this level.
MAX_LEVELS = 6


class FolderTree:
    """The folders of a data set that hold pictures.

    Attributes:
        counts: Number of pictures directly in a folder, by the names of the folders from the root.
        total: Number of pictures.
        annotations: Path of a file that may hold labels, relative to the root; "" without one.
    """

    def __init__(self, counts: dict[tuple[str, ...], int], annotations: str = "") -> None:
        """Describe a tree, see the attributes."""
        self.counts = counts
        self.total = sum(counts.values())
        self.annotations = annotations

    @classmethod
    def of_files(cls, paths: Iterable[PurePath]) -> "FolderTree":
        """Count the files of a folder.

        Args:
            paths: Paths of the files, relative to the root.
        """
        pictures: Counter[tuple[str, ...]] = Counter()
        files: Counter[tuple[str, ...]] = Counter()
        annotations = ""
        for path in paths:
            folders = path.parts[:-1][:MAX_LEVELS]
            if folders:  # a file such as a read-me
                files[folders] += 1
            suffix = path.suffix.lower()
            if suffix in PICTURE_SUFFIXES:
                pictures[folders] += 1
            elif suffix in ANNOTATION_SUFFIXES and not annotations:
                annotations = path.as_posix()
        return cls(dict(pictures or files), annotations)

    def depths(self) -> Counter[int]:
        """Return the number of pictures by the number of folders above them."""
        depths: Counter[int] = Counter()
        for folders, count in self.counts.items():
            depths[len(folders)] += count
        return depths

    def names(self, level: int) -> set[str]:
        """Return the names of the folders at a level; 0 is directly below the root."""
        return {folders[level] for folders in self.counts if len(folders) > level}

    def groups(self, level: int) -> dict[tuple[str, ...], set[str]]:
        """Return the names of the folders at a level, by the folders above them."""
        groups: dict[tuple[str, ...], set[str]] = {}
        for folders in self.counts:
            if len(folders) > level:
                groups.setdefault(folders[:level], set()).add(folders[level])
        return groups

    def without_levels(self, first: int, count: int) -> "FolderTree":
        """Return the tree without some levels, and without the folders above them.

        Args:
            first: First level to leave out.
            count: Number of levels to leave out.
        """
        counts: Counter[tuple[str, ...]] = Counter()
        for folders, pictures in self.counts.items():
            if len(folders) >= first + count:
                counts[folders[:first] + folders[first + count :]] += pictures
        return FolderTree(dict(counts), self.annotations)
