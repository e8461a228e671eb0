"""Reads an export, whichever tool wrote it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pipeline.config.path_check import NO_FOLDER, folder_problem
from pipeline.inputs.exports.coco_export import is_coco, read_coco
from pipeline.inputs.exports.exported_picture import ExportedPicture
from pipeline.inputs.exports.label_studio_export import is_label_studio, read_label_studio
from pipeline.inputs.exports.voc_export import read_voc
from pipeline.inputs.system_files import find_files
from trainer_module.contract.errors import InputError

FORMATS = "COCO (JSON), Pascal VOC (a folder with XML files) and Label Studio (JSON, JSON-MIN)"


def read_export(path: Path, images: Path | None) -> Iterator[ExportedPicture]:
    """Yield the pictures of an export; nothing for a folder without annotations.

    Args:
        path: JSON file, or folder that holds JSON or XML files at any depth.
        images: Folder of the pictures; None to look beside the annotations.

    Raises:
        InputError: The export is unreadable, or has none of these forms.
    """
    problem = folder_problem(path)
    if not problem:
        yield from _read_folder(path, images)
    elif path.suffix.lower() == ".json":
        pictures = _read_json(path, images)
        if pictures is None:
            raise InputError(f"export {path} is none that is read: {FORMATS}. Export it as one.")
        yield from pictures
    elif problem == NO_FOLDER:
        raise InputError(
            f"export {path} is no folder and no JSON file. Exports that are read are {FORMATS}. A "
            "table with the columns path, domain and label is a manifest: give it with --data."
        )
    else:
        raise InputError(f"export {path} {problem}. Give a JSON file or a folder.")


def _read_folder(folder: Path, images: Path | None) -> Iterator[ExportedPicture]:
    found = False
    for path in find_files(folder, "*.json"):
        pictures = _read_json(path, images)
        if pictures is not None:
            found = True
            yield from pictures
    if not found:
        try:
            yield from read_voc(folder, images)
        except (ElementTree.ParseError, LookupError, ValueError, OSError) as error:
            # LookupError and ValueError: the encoding that a file names is unknown
            raise InputError(f"export {folder}: a file is damaged: {error}.") from None


def _read_json(path: Path, images: Path | None) -> list[ExportedPicture] | None:
    """Return the pictures of a JSON file; None if it is no export."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"export {path} is no JSON: {error}. Export it again.") from None
    except OSError as error:
        raise InputError(f"export {path} cannot be read: {error.strerror}.") from None
    try:
        if is_coco(content):
            return list(read_coco(path, content, images))
        if is_label_studio(content):
            return list(read_label_studio(path, content, images))
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"export {path} is damaged: {type(error).__name__} {error}. Export it again."
        ) from None
    return None
