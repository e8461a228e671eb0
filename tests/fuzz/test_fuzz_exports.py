"""Any export is pictures with labels or reasons, or one line about what is wrong."""

import json
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from mutated_bytes import MutationFuzzer

from pipeline.inputs.exports.export_reader import read_export
from pipeline.inputs.exports.exported_picture import ExportedPicture
from trainer_module.contract.errors import InputError

COCO = {
    "images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}],
    "annotations": [{"image_id": 1, "category_id": 3}, {"image_id": 7, "category_id": 3}],
    "categories": [{"id": 3, "name": "cat"}],
}
LABEL_STUDIO = [
    {
        "data": {"image": "/data/upload/1/1234abcd-a.png"},
        "annotations": [{"result": [{"value": {"choices": ["cat"]}}]}],
    },
    {"image": "http://host/data/local-files/?d=b.png", "choice": "dog"},
]
VOC = (
    b'<?xml version="1.0" encoding="utf-8"?><annotation><filename>a.png</filename>'
    b"<object><name>cat</name></object></annotation>"
)

#: Values where an export has names, numbers and lists.
VALUES = st.recursive(
    st.none()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(
        ["a.png", "../a.png", "http://[x/a.png", "x" * 300 + ".png", "\0.png", "/data/?d=a.png"]
    ),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=3,
)


def read(path: Path) -> list[ExportedPicture] | None:
    """Return the pictures of an export; None after one line about what is wrong."""
    try:
        pictures = list(read_export(path, None))
    except InputError as error:
        assert "export" in str(error)
        assert "\n" not in str(error)
        return None
    assert all(one.location or one.reason for one in pictures)
    return pictures


def changed(content: Any, place: int, value: Any) -> Any:
    """Return JSON values with another value at a place, counted through all of them."""
    count = -1

    def copy(one: Any) -> Any:
        nonlocal count
        count += 1
        if count == place:
            return value
        if isinstance(one, dict):
            return {key: copy(inner) for key, inner in one.items()}
        return [copy(inner) for inner in one] if isinstance(one, list) else one

    return copy(content)


@example(COCO, 4, "http://[x/a.png")
@example(COCO, 4, "x" * 300 + ".png")
@given(st.sampled_from([COCO, LABEL_STUDIO]), st.integers(1, 20), VALUES)
def test_any_value_in_an_export_has_a_reason_or_is_refused(
    tmp_path: Path, export: Any, place: int, value: Any
) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(changed(export, place, value)))
    (tmp_path / "a.png").touch()
    read(path)


def test_a_mutated_export_is_pictures_or_one_line(
    mutation_fuzzer: MutationFuzzer, tmp_path: Path
) -> None:
    (tmp_path / "a.png").touch()

    def read_content(content: bytes) -> None:
        is_xml = content.lstrip().startswith(b"<")
        path = tmp_path / ("a.xml" if is_xml else "export.json")
        path.write_bytes(content)
        read(tmp_path if is_xml else path)
        path.unlink()

    files = {
        "coco": json.dumps(COCO).encode(),
        "tasks": json.dumps(LABEL_STUDIO).encode(),
        "voc": VOC,
    }
    files["entities"] = VOC.replace(
        b"?><", b'?><!DOCTYPE a [<!ENTITY x "&y;&y;"><!ENTITY y "z">]><'
    )
    for encoding in (b"utf-7", b"shift_jis", b"none", b"utf-16"):
        files[encoding.decode()] = VOC.replace(b"utf-8", encoding)
    mutation_fuzzer.run("export", read_content, files, 300)
