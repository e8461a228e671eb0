"""Exports of annotation tools, and the manifests that they are converted to."""

import csv
import json
from pathlib import Path

from pipeline.inputs.exports.manifest_writer import WrittenManifest, write_manifest
from pipeline.inputs.layouts.layout import LayoutOptions
from pipeline.inputs.manifest import read_manifest


def coco(labels: dict[str, list[str]]) -> bytes:
    """Return a COCO file with a box per label of every picture."""
    names = sorted({name for labels_of in labels.values() for name in labels_of})
    annotations = [
        {"id": number, "image_id": image, "category_id": names.index(label), "bbox": [1, 2, 3, 4]}
        for number, (image, label) in enumerate(
            (image, label) for image, found in enumerate(labels.values()) for label in found
        )
    ]
    content = {
        "info": {},
        "categories": [
            {"id": n, "name": name, "supercategory": "all"} for n, name in enumerate(names)
        ],
        "images": [{"id": n, "file_name": name, "width": 9} for n, name in enumerate(labels)],
        "annotations": annotations,
    }
    return json.dumps(content).encode()


def pictures(*names: str) -> dict[str, bytes]:
    return dict.fromkeys(names, b"x")


def voc(name: str, *labels: str) -> bytes:
    objects = "".join(f"<object><name>{label}</name><bndbox/></object>" for label in labels)
    return f"<annotation><filename>{name}</filename>{objects}</annotation>".encode()


def task(address: str, *choices: str, kind: str = "choices") -> dict:
    result = [{"type": kind, "value": {kind: [choice], "x": 1}} for choice in choices]
    return {"id": 1, "data": {"image": address}, "annotations": [{"result": result}]}


def convert(
    export: Path, domain: str | None = "web", images: Path | None = None, layout: str = "auto"
) -> WrittenManifest:
    return write_manifest(export, images, LayoutOptions(layout, domain), manifest_of(export))


def manifest_of(export: Path) -> Path:
    return export.parent / "list.csv"


def rows(export: Path) -> list[tuple[str, str, str, str]]:
    """Return the rows of the manifest as `carryover run` reads them; every file is found."""
    found = list(read_manifest(str(manifest_of(export))))
    assert [row["path"] for row in found if "reason" in row] == []
    return [(row["path"], row["domain"], row["label"], row.get("split", "")) for row in found]


def skipped(export: Path) -> dict[str, str]:
    path = export.parent / "list.skipped.csv"
    with path.open(newline="") as file:
        return {row["path"]: row["reason"] for row in csv.DictReader(file)}
