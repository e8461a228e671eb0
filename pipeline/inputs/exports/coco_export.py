"""Pictures and labels of a COCO export."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.inputs.exports.exported_picture import ExportedPicture, PictureFinder
from pipeline.inputs.layouts.split_names import split_of_name


def is_coco(content: Any) -> bool:
    """Return whether the content of a JSON file is that of COCO with categories."""
    keys = ("images", "annotations", "categories")
    return isinstance(content, dict) and all(isinstance(content.get(key), list) for key in keys)


def read_coco(
    path: Path, content: dict[str, Any], images: Path | None
) -> Iterator[ExportedPicture]:
    """Yield the pictures of one file, with the categories of their annotations.

    Args:
        path: Path of the JSON file. Its name or its folder may name a split.
        content: Content of the file, see `is_coco`.
        images: Folder of the pictures; None to look beside the file.

    Raises:
        KeyError, TypeError: The content is not that of COCO.
    """
    names = {category["id"]: str(category["name"]).strip() for category in content["categories"]}
    labels: dict[Any, set[str]] = defaultdict(set)
    for annotation in content["annotations"]:
        labels[annotation["image_id"]].add(names[annotation["category_id"]])
    finder = PictureFinder([images] if images else _folders(path))
    split = split_of_file(path)
    for image in content["images"]:
        name = str(image["file_name"])
        location, problem = finder.find(name)
        found = frozenset(labels.get(image["id"], ()))
        yield ExportedPicture(name, location, found, split, problem)
    known = {image["id"] for image in content["images"]}
    for unknown in sorted(set(labels) - known, key=str):
        problem = "the export has annotations of it, and no file name"
        yield ExportedPicture(f"image {unknown}", "", frozenset(labels[unknown]), split, problem)


def split_of_file(path: Path) -> str | None:
    """Return the split that a file is for, by its name or its folder.

    Args:
        path: Path such as `valid/_annotations.coco.json` or `annotations/instances_val2017.json`.
    """
    words = [path.parent.name, *path.stem.replace(".", "_").replace("-", "_").split("_")]
    return next(filter(None, map(split_of_name, words)), None)


def _folders(path: Path) -> list[Path]:
    """Return the folders that may hold the pictures of a file."""
    words = path.stem.split("_")
    below = ["", "images", *words, *(f"images/{word}" for word in words)]
    return [folder / name for folder in (path.parent, path.parent.parent) for name in below]
