"""Pictures and labels of a Label Studio export, as JSON or JSON-MIN."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from components.evaluation.gate.slice_names import column_name
from pipeline.inputs.exports.exported_picture import ExportedPicture, PictureFinder
from pipeline.inputs.layouts.folder_tree import PICTURE_SUFFIXES
from pipeline.inputs.manifest_columns import REQUIRED

#: Keys of JSON-MIN that hold one choice as a text. Others have structure.
CHOICE_KEYS = ("choice", "label", "class")

#: Key of a task's data that holds what a sidecar says of the picture: texts by column. They are no
#: keys of the data themselves, as JSON-MIN adds keys of its own, such as `id` and `label`.
SIDECAR_KEY = "sidecar"


def is_label_studio(content: Any) -> bool:
    """Return whether the content of a JSON file is a list of Label Studio's tasks."""
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(task, dict) and bool(_address(task)) for task in content)
    )


def read_label_studio(
    path: Path, content: list[dict[str, Any]], images: Path | None
) -> Iterator[ExportedPicture]:
    """Yield the pictures of an export, with the choices and the labels of regions in them.

    Args:
        path: Path of the JSON file.
        content: Content of the file, see `is_label_studio`.
        images: Folder of the pictures; None to look beside the file.

    Raises:
        KeyError, TypeError: The content is not that of Label Studio.
    """
    finder = PictureFinder([images or path.parent])
    for task in content:
        address = _address(task)
        location, problem = finder.find(address)
        labels = frozenset(_labels(task))
        domain, columns = _domain(task), _columns(task)
        yield ExportedPicture(address, location, labels, None, problem, domain, columns)


def _address(task: dict[str, Any]) -> str:
    """Return the address of the picture of a task; "" without one."""
    data = task.get("data", task)
    values = [value for value in data.values() if isinstance(value, str)]
    return next((value for value in values if _is_picture(value)), "")


def _domain(task: dict[str, Any]) -> str:
    """Return the domain that the data of a task name, as those of `carryover select` do."""
    domain = task.get("data", task).get("domain", "")
    return domain.strip() if isinstance(domain, str) else ""


def _columns(task: dict[str, Any]) -> dict[str, str]:
    """Return the columns that the data of a task hold, as those of `carryover select` do."""
    said = task.get("data", task).get(SIDECAR_KEY)
    texts = said.items() if isinstance(said, dict) else ()
    columns = {column_name(name): text.strip() for name, text in texts if isinstance(text, str)}
    return {name: text for name, text in columns.items() if text and name not in ("", *REQUIRED)}


def _is_picture(text: str) -> bool:
    path = text.partition("?d=")[2] or text.partition("?")[0]
    return PurePosixPath(path).suffix.lower() in PICTURE_SUFFIXES


def _labels(task: dict[str, Any]) -> Iterator[str]:
    if "data" not in task:
        yield from _minimal_labels(task)
        return
    for annotation in task.get("annotations") or task.get("completions") or ():
        if not annotation.get("was_cancelled"):
            for result in annotation["result"]:
                yield from _choices(result.get("value", {}))


def _minimal_labels(task: dict[str, Any]) -> Iterator[str]:
    for key, value in task.items():
        if isinstance(value, str) and key in CHOICE_KEYS:
            yield value.strip()
        for region in value if isinstance(value, list) else [value]:
            yield from _choices(region)


def _choices(value: Any) -> Iterator[str]:
    """Yield the choices in a value such as {"choices": ["cat"]} or {"rectanglelabels": ["cat"]}."""
    if isinstance(value, dict):
        for key, labels in value.items():
            if isinstance(labels, list) and (key == "choices" or key.endswith("labels")):
                yield from (str(label).strip() for label in labels)
