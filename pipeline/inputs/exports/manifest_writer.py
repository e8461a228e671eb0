"""`carryover manifest`: write the manifest of an export, or of a folder with any layout."""

import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.config.path_check import folder_problem
from pipeline.inputs.exports.export_reader import FORMATS, read_export
from pipeline.inputs.exports.exported_picture import ExportedPicture
from pipeline.inputs.folder import find_layout, scan_folder
from pipeline.inputs.layouts.layout import LayoutOptions
from pipeline.inputs.layouts.missing_splits import missing_splits, share_out
from pipeline.inputs.layouts.unlabelled_names import is_unlabelled
from pipeline.inputs.manifest_columns import REQUIRED
from pipeline.inputs.picture_columns import further_columns, picture_columns
from pipeline.inputs.sidecar import SIDECAR
from pipeline.inputs.system_files import find_files
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.errors import InputError
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import is_uri
from trainer_module.contract.output_text.spreadsheet_csv import SpreadsheetWriter
from trainer_module.contract.output_text.wording import counted, listed, quoted

#: Number of skipped pictures that the terminal names; the list of them has all.
MAX_NAMED = 20

#: Files that may be annotations in a form that is not read, such as those of LabelMe and YOLO.
UNREAD = ("*.json", "*.csv", "*.yaml", "*.txt")


@dataclass(frozen=True)
class ManifestRow:
    """A row of the manifest, or a picture that is skipped.

    Attributes:
        path: Path or URI of the picture; for a skipped one, its name in the export.
        domain: Name of the domain.
        label: Name of the class; "" for a skipped picture.
        columns: Group, split and further columns by name.
        reason: Reason why the picture is skipped; "" for a row.
    """

    path: str
    domain: str = ""
    label: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class WrittenManifest:
    """What was written.

    Attributes:
        rows: Rows of the manifest.
        skipped: Pictures without a row.
        skipped_path: Path of the list of skipped pictures.
    """

    rows: list[ManifestRow]
    skipped: list[ManifestRow]
    skipped_path: Path

    def lines(self) -> Iterator[str]:
        """Yield what a user reads: numbers, and the skipped pictures with their reasons."""
        for row in self.skipped[:MAX_NAMED]:
            yield f"skipped: {quoted(row.path)}: {row.reason}"
        if self.skipped:
            total = len(self.rows) + len(self.skipped)
            yield (
                f"{len(self.skipped):,} of {counted(total, 'picture')} skipped; all are listed in "
                f"{self.skipped_path}"
            )
        for noun, names in (
            ("domains", Counter(row.domain for row in self.rows)),
            ("classes", Counter(row.label for row in self.rows)),
            (
                "splits",
                Counter(row.columns["split"] for row in self.rows if "split" in row.columns),
            ),
        ):
            if names:
                texts = (f"{quoted(name)} {count:,}" for name, count in sorted(names.items()))
                yield f"{noun}: {listed(texts)}"


def write_manifest(
    export: Path, images: Path | None, options: LayoutOptions, output: Path
) -> WrittenManifest:
    """Write the manifest of an export.

    A picture that has not exactly one class, such as those of most exports for detection, gets no
    row: it is written to a second file, `<output>.skipped.csv`, with the reason.

    Args:
        export: JSON file or folder, see `pipeline.inputs.exports.export_reader.read_export`; or a
            folder of pictures, whose layout gives the rows.
        images: Folder of the pictures; None to look in the export.
        options: Domain of all pictures, and layout of a folder of pictures.
        output: Path of the CSV file.

    Raises:
        InputError: The export is unreadable, a folder or the domain is missing, or no picture has
            one class.
    """
    if output.suffix.lower() != ".csv":
        raise InputError(f"--output {output} must end in .csv.")
    if images and (problem := folder_problem(images)):
        raise InputError(f"--images {images} {problem}. Give the folder of the pictures.")
    rows = list(_export_rows(export, images, options)) or _folder_rows(export, options)
    skipped = [row for row in rows if row.reason]
    used = [row for row in rows if not row.reason]
    skipped_path = output.with_name(f"{output.stem}.skipped.csv")
    written = WrittenManifest(used, skipped, skipped_path)
    try:
        skipped_path.unlink(missing_ok=True)
        if skipped:
            _write(skipped_path, ("path", "reason"), ((row.path, row.reason) for row in skipped))
        if used:
            _write_rows(output, used)
    except OSError as error:
        raise InputError(f"--output {output}: {error.strerror}. Name another file.") from None
    if not used:
        reasons = Counter(row.reason.partition(":")[0] for row in skipped).most_common(3)
        texts = listed(f"{reason} ({count:,})" for reason, count in reasons)
        raise InputError(
            f"export {export} has no picture with exactly one class: {texts}. All are listed in "
            f"{skipped_path}. Export a classification task."
            if skipped
            else f"export {export} names no picture. Give an export with pictures."
        )
    return written


def _export_rows(
    export: Path, images: Path | None, options: LayoutOptions
) -> Iterator[ManifestRow]:
    """Yield a row for every picture of an export of an annotation tool."""
    pictures = _merged(read_export(export, images))
    if options.domain is None and not all(picture.domain for picture in pictures):
        raise InputError(f"export {export} does not name the domain. Give --domain NAME.")
    found = {picture.split for picture in pictures if not picture.reason}
    missing = missing_splits(found, options.split)
    keeps_splits = len(found - {None}) > 1  # one split for all pictures divides nothing
    for picture in pictures:
        domain = options.domain or picture.domain
        names = (picture.location, domain, *picture.labels)
        if reason := picture.reason or _unwritable(names, picture.columns):
            yield ManifestRow(picture.name, reason=reason)
            continue
        split = picture.split if keeps_splits else None
        if split == "train":
            split = share_out(picture.name, missing)
        [label] = picture.labels
        columns = ({"split": split} if split else {}) | dict(picture.columns)
        yield ManifestRow(picture.location, domain, label, columns)


def _merged(pictures: Iterable[ExportedPicture]) -> list[ExportedPicture]:
    """Return the pictures, with the entries for one file merged into one."""
    by_location: dict[str, ExportedPicture] = {}
    for number, picture in enumerate(pictures):
        key = picture.location or f"{number} {picture.name}"
        known = by_location.get(key)
        by_location[key] = known.merge(picture) if known else picture
    return list(by_location.values())


def _folder_rows(folder: Path, options: LayoutOptions) -> list[ManifestRow]:
    """Return the rows of a folder of pictures in a layout that is clear."""
    if not folder.is_dir():
        return []
    root = folder.resolve()
    try:
        layout = find_layout(root, options)
    except InputError as error:
        found = (path for pattern in UNREAD for path in find_files(folder, pattern))
        unread = next((path for path in found if path.name != SIDECAR), None)
        if unread is None:
            raise
        message = f"{quoted(str(unread))} is no export that is read: {FORMATS}"
        raise InputError(f"{message}. And {error}") from None
    listed_rows: list[ListingRow] = []
    scan_folder(root, listed_rows.append, layout, slices=further_columns(root / SIDECAR))
    rows = []
    for row in listed_rows:
        path, columns = str(root / row["path"]), picture_columns(row)
        reason = row.get("reason") or _unwritable((path, row["domain"], row["label"]), columns)
        if not reason and (spaced := _with_outer_space(row["domain"], row["label"])):
            reason = f"name {quoted(spaced)} begins or ends with a space. Rename the folder"
        name = row["path"] if reason else path
        rows.append(ManifestRow(name, row["domain"], row["label"], columns, reason))
    return rows


def _unwritable(names: Sequence[str], columns: Mapping[str, str]) -> str:
    """Return why a row cannot be written as UTF-8, or has no label; "" if it can be written.

    Args:
        names: Path, domain and labels.
        columns: Further columns by name.
    """
    try:
        "".join([*names, *columns, *columns.values()]).encode()
    except UnicodeEncodeError:
        return "its path, its label or another column is not named in UTF-8"
    if any(map(is_unlabelled, names[2:])):
        return "it has no label yet"
    return "" if all(text.strip() for text in names) else "its label is empty"


def _with_outer_space(*names: str) -> str:
    """Return the first name that a manifest does not keep: it is read without its outer spaces."""
    return next((name for name in names if name != name.strip()), "")


def _relative(path: str, folder: Path) -> str:
    """Return a path relative to the folder of the manifest, if it lies below it."""
    if is_uri(path) or not Path(path).is_relative_to(folder):
        return path
    return Path(path).relative_to(folder).as_posix()


def _write_rows(output: Path, rows: list[ManifestRow]) -> None:
    """Write the manifest, with all columns that a row has."""
    folder = output.resolve().parent
    further = tuple(dict.fromkeys(("split", *(name for row in rows for name in row.columns))))
    cells = (
        (
            _relative(row.path, folder),
            row.domain,
            row.label,
            *(row.columns.get(name, "") for name in further),
        )
        for row in rows
    )
    _write(output, (*REQUIRED, *further), cells)


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    text = io.StringIO()
    table = SpreadsheetWriter(text, columns, line_end="\n")
    for row in rows:
        table.write_row(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, os.fsencode(text.getvalue()))
