"""Pascal VOC folders become manifests, and pictures without a single class are named."""

import pytest
from tiny_annotations import convert, pictures, rows, skipped, voc
from tiny_pictures import write_files

from trainer_module.contract.errors import InputError


def test_a_voc_folder_with_its_lists_becomes_a_manifest(tmp_path):
    names = [f"{number:06d}" for number in range(4)]
    files = {f"VOC/Annotations/{name}.xml": voc(f"{name}.jpg", "cat") for name in names}
    files |= pictures(*(f"VOC/JPEGImages/{name}.jpg" for name in names))
    lists = {"train": names[:2], "val": names[2:3], "test": names[3:], "trainval": names[:3]}
    for split, listed in lists.items():
        files[f"VOC/ImageSets/Main/{split}.txt"] = "".join(f"{name}\n" for name in listed).encode()
    files["VOC/ImageSets/Main/cat_val.txt"] = f"{names[0]} -1\n".encode()
    export = write_files(tmp_path / "export", files)
    convert(export)
    assert [row[1:] for row in rows(export)] == [
        ("web", "cat", split) for split in ("train", "train", "eval", "test")
    ]


@pytest.mark.parametrize("name", ["1.jpg", "C:\\pictures\\1.jpg", "wrong.jpg", ""])
def test_xml_beside_the_pictures_finds_them_whatever_filename_says(tmp_path, name):
    files = {"train/1.xml": voc(name, "cat", "cat"), "valid/2.xml": voc("2.jpg", "dog")}
    export = write_files(tmp_path / "export", files | pictures("train/1.jpg", "valid/2.jpg"))
    convert(export)
    assert {(path, label) for path, _, label, _ in rows(export)} == {
        ("export/train/1.jpg", "cat"),
        ("export/valid/2.jpg", "dog"),
    }


def test_voc_pictures_with_several_classes_are_skipped(tmp_path):
    files = {
        "1.xml": voc("1.jpg", "cat", "dog"),
        "2.xml": voc("2.jpg", "dog"),
        "3.xml": voc("3.jpg"),
    }
    export = write_files(tmp_path / "export", files | pictures("1.jpg", "2.jpg", "3.jpg"))
    convert(export)
    assert skipped(export) == {
        "1.jpg": "it has several labels: 'cat' and 'dog'",
        "3.jpg": "it has no label",
    }


@pytest.mark.parametrize("encoding", ["shift_jis", "utf-7", "none", "utf-16"])
def test_an_encoding_that_cannot_be_read_is_an_input_error(tmp_path, encoding):
    header = f'<?xml version="1.0" encoding="{encoding}"?>'.encode()
    export = write_files(tmp_path / "export", {"1.xml": header + voc("1.jpg", "cat")})
    with pytest.raises(InputError, match=r"export .*: a file is damaged: "):
        convert(export)
