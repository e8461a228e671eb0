"""Pictures and labels of a Pascal VOC export."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from pipeline.inputs.exports.exported_picture import ExportedPicture, PictureFinder
from pipeline.inputs.layouts.folder_tree import PICTURE_SUFFIXES
from pipeline.inputs.layouts.split_names import split_of_name
from pipeline.inputs.system_files import find_files


def read_voc(folder: Path, images: Path | None) -> Iterator[ExportedPicture]:
    """Yield the pictures of a folder of XML files, with the names of the objects in them.

    Args:
        folder: Folder of the export, with XML files at any depth, and lists of splits in
            `ImageSets/`.
        images: Folder of the pictures; None to look in the export.

    Raises:
        xml.etree.ElementTree.ParseError: A file is not XML.
    """
    splits = _listed_splits(folder)
    finder = PictureFinder([images] if images else [folder])
    for path in find_files(folder, "*.xml"):
        # The parser fetches nothing, and limits what entities expand to.
        root = ElementTree.parse(path).getroot()  # noqa: S314
        if root.tag != "annotation":
            continue
        name = (root.findtext("filename") or "").strip() or path.stem
        location, problem = _find(finder, path, name)
        labels = {(entry.findtext("name") or "").strip() for entry in root.iter("object")}
        split = splits.get(path.stem) or split_of_name(path.parent.name)
        yield ExportedPicture(name, location, frozenset(labels), split, problem)


def _find(finder: PictureFinder, path: Path, name: str) -> tuple[str, str]:
    """Return the location of the picture that an XML file describes, and why it has none."""
    names = [name, *(path.stem + suffix for suffix in sorted(PICTURE_SUFFIXES))]
    for candidate in names:
        for folder in (path.parent, path.parent.parent / "JPEGImages"):
            if (folder / Path(candidate.replace("\\", "/")).name).is_file():
                return str((folder / Path(candidate.replace("\\", "/")).name).resolve()), ""
    found = [finder.find(candidate) for candidate in names]
    return next((result for result in found if any(result)), ("", ""))


def _listed_splits(folder: Path) -> dict[str, str]:
    """Return the splits by the stems of file names, from lists such as ImageSets/Main/val.txt."""
    splits = {}
    for path in find_files(folder, "ImageSets/*/*.txt"):
        split = split_of_name(path.stem)
        if split:
            lines = path.read_text(encoding="utf-8").splitlines()
            splits.update({line.split()[0]: split for line in lines if line.strip()})
    return splits
