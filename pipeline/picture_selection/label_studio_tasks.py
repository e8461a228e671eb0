"""Tasks of Label Studio for chosen pictures, with the predictions of the serving model."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from pipeline.inputs.exports.label_studio_export import SIDECAR_KEY
from pipeline.picture_selection.selection import Choice

#: Name of the control with the classes, in tasks and in the labelling config. In JSON-MIN, the
#: label is under this key, see `pipeline.inputs.exports.label_studio_export.CHOICE_KEYS`.
CONTROL = "label"

#: Name of the picture in the labelling config, and key of its address in a task.
IMAGE = "image"


def write_tasks(choices: list[tuple[str, Choice]], output: Path, model: str, path: Path) -> None:
    """Write tasks for "Import" in Label Studio.

    The address of a picture is that of Label Studio's local storage, relative to the folder that
    holds the output folder: https://labelstud.io/guide/storage#Local-storage

    Args:
        choices: Path of each picture in the output folder, with its choice.
        output: Path that the output folder will have.
        model: Name of the model and its version.
        path: Path of the JSON file.
    """
    tasks = [_task(f"{output.name}/{name}", choice, model) for name, choice in choices]
    path.write_text(json.dumps(tasks, indent=1) + "\n", encoding="ascii")


def write_labelling_config(classes: list[str], path: Path) -> None:
    """Write the labelling interface: a picture, and a choice of one class.

    Args:
        classes: Class names.
        path: Path of the XML file.
    """
    values = [f"    <Choice value={_attribute(name)}/>" for name in classes]
    lines = [
        "<View>",
        f'  <Image name="{IMAGE}" value="${IMAGE}"/>',
        f'  <Choices name="{CONTROL}" toName="{IMAGE}" choice="single" required="true">',
        *values,
        "  </Choices>",
        "</View>",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="replace")


def _attribute(text: str) -> str:
    return quoteattr(text, {'"': "&quot;"})


def _task(name: str, choice: Choice, model: str) -> dict[str, Any]:
    result = {
        "from_name": CONTROL,
        "to_name": IMAGE,
        "type": "choices",
        "value": {"choices": [choice.label]},
    }
    score = round(choice.confidence, 4)
    address = f"/data/local-files/?d={quote(name.encode('utf-8', 'surrogateescape'))}"
    columns = dict(choice.picture.columns)
    data = {IMAGE: address, "domain": choice.picture.domain, "why": choice.why}
    return {
        "data": data | ({SIDECAR_KEY: columns} if columns else {}),
        "predictions": [{"model_version": model, "score": score, "result": [result]}],
    }
