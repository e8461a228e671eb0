"""Immutable listing of a run's input files, identified by a digest."""

import contextlib
import hashlib
import json
import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from components.data_gate.findings import Finding
from pipeline.config.layout_pattern import AUTO
from pipeline.config.path_check import folder_problem
from pipeline.inputs.folder import SkippedFiles, find_layout, scan_folder
from pipeline.inputs.layouts.layout import LayoutOptions
from pipeline.inputs.layouts.unlabelled_names import is_unlabelled
from pipeline.inputs.manifest import MANIFEST_SUFFIXES, read_usable_manifest
from trainer_module.contract.atomic_write import DRAFT_SUFFIX, Draft
from trainer_module.contract.errors import InputError
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import is_uri
from trainer_module.contract.output_text.wording import counted
from trainer_module.cross_fitting.folds import NO_FOLDS, Folds

if TYPE_CHECKING:
    from components.evaluation.predictions.slice_values import SliceValuesWriter

#: End of the name of the list of unlabelled pictures, which begins as that of their folder.
LIST_SUFFIX = ".txt"


@dataclass(frozen=True)
class Snapshot:
    """A listing of input files, written to disk.

    Attributes:
        path: Path of the listing: one `ListingRow` per line, as JSON.
        digest: SHA-256 of the listing, in hex.
        data_root: Folder or URI that the paths of the rows are relative to.
        domains: Names of the domains, sorted.
        files: Number of rows.
        ignored: Number of files that are not meant as pictures, by kind; they have no rows.
        empty_classes: Domain and class of every class folder without files.
        batch: Digest of the batch that a retraining is for. Its listing holds the batch and a part
            of the pictures of the serving version. None where the listing is complete.
        batch_name: Name of that batch, printable; "" without one.
        new_folders: Folders of batches that no version was trained on, relative to `data_root`.
        folds: Folds of the pictures that a retraining cross-fits.
        unlabelled: Folder of the examples of unlabelled pictures that a retraining trains on; ""
            without any.
        without_label: Number of new pictures without a label, in a retraining.
        findings: Findings about the choice of the pictures of a retraining.
        notes: Sentences that tell the user how the layout of the folders was read, and what has no
            label.
        slice_values: Path of the file with the values of slices, see
            `components.evaluation.predictions.slice_values`. None without slices.
        unverified: Domains in which no picture has a label, in a retraining, with the names of the
            pictures whose labels decide on its candidate.
        label_commands: Commands that label these pictures and let the labels decide.
        candidate: URI of a Model artifact that is evaluated in place of a new training. None to
            train.
    """

    path: Path
    digest: str
    data_root: str
    domains: tuple[str, ...]
    files: int
    ignored: dict[str, int]
    empty_classes: tuple[tuple[str, str], ...]
    batch: str | None = None
    batch_name: str = ""
    new_folders: tuple[str, ...] = ()
    folds: Folds = NO_FOLDS
    unlabelled: str = ""
    without_label: int = 0
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    slice_values: Path | None = None
    unverified: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    label_commands: tuple[str, ...] = ()
    candidate: str | None = None

    @property
    def key(self) -> str:
        """Identity of all pictures that the run reads."""
        return f"{self.digest} {self.unlabelled_list}" if self.unlabelled else self.digest

    @property
    def unlabelled_list(self) -> str:
        """Name of the list of the unlabelled pictures, beside their folder; "" for none."""
        return f"{Path(self.unlabelled).name}{LIST_SUFFIX}" if self.unlabelled else ""


def take_snapshot(
    data: str,
    folder: Path,
    options: LayoutOptions | None = None,
    slices: tuple[str, ...] = (),
) -> Snapshot:
    """List the input files of a run, and write the listing to `folder`.

    Pictures without a label, see `is_unlabelled`, are left out; a note counts them.

    Args:
        data: Folder of pictures, or a manifest, see `pipeline.inputs.manifest.read_manifest`.
        folder: Folder of all listings, one file per digest.
        options: What the user says about the layout of a folder. By default it is recognised.
        slices: Names of the columns of slices in the manifest or the sidecar.

    Raises:
        InputError: The data are missing, unreadable, or hold no pictures in a clear layout; a
            column of a slice has no values, or too many.
    """
    options = options or LayoutOptions()
    if is_manifest(data):
        _check_no_layout(data, options)
        manifest = data if is_uri(data) else str(Path(data).resolve())
        with _new_listing(folder, data, slices) as listing:
            for row in read_usable_manifest(manifest, slices):
                listing.add_labelled_row(row)
            listing.check_slices()
            return listing.finish(posixpath.dirname(manifest), SkippedFiles({}, ()))
    if is_uri(data):
        raise InputError(
            f"data {data}: a remote folder is not listed. Give a manifest of it, a CSV or Parquet "
            "file with the columns path, domain and label."
        )
    if problem := folder_problem(data):
        raise InputError(
            f"data folder {data} {problem}. Give a folder or a manifest "
            f"({' or '.join(MANIFEST_SUFFIXES)}) with --data."
        )
    root = Path(data).resolve()
    layout = find_layout(root, options)
    with _new_listing(folder, data, slices) as listing:
        skipped = scan_folder(root, listing.add_labelled_row, layout, slices=slices)
        listing.check_slices()
        snapshot = listing.finish(str(root), skipped)
        return replace(snapshot, notes=layout.notes + snapshot.notes)


def _check_no_layout(data: str, options: LayoutOptions) -> None:
    for option, value in (("--layout", options.layout), ("--domain", options.domain)):
        if value not in (AUTO, None):
            raise InputError(
                f"{option} is for folders, and manifest {data} names the domain, the class and the "
                f"split of every picture. Leave {option} out."
            )


def is_manifest(data: str) -> bool:
    """Return whether `data` names a manifest, by its suffix; a folder may have any name."""
    # Unlike Path.is_dir, this does not raise where a folder may not be entered.
    return data.lower().endswith(MANIFEST_SUFFIXES) and not os.path.isdir(data)  # noqa: PTH112


def write_listing(
    rows: Iterable[ListingRow],
    data_root: str,
    data: str,
    folder: Path,
    slices: tuple[str, ...] = (),
) -> Snapshot:
    """Write rows to a listing, in their order.

    Args:
        rows: Rows of the listing.
        data_root: Folder or URI that the paths of the rows are relative to.
        data: Name of the data in messages to the user.
        folder: Folder of all listings, one file per digest.
        slices: Names of the columns of slices; the rows may lack their values.

    Raises:
        InputError: None of the rows is usable, or a column of a slice has too many values.
    """
    with _new_listing(folder, data, slices) as listing:
        for row in rows:
            listing.add_row(row)
        return listing.finish(data_root, SkippedFiles({}, ()))


@contextlib.contextmanager
def _new_listing(folder: Path, data: str, slices: tuple[str, ...]) -> Iterator["_Listing"]:
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        draft = stack.enter_context(Draft(folder / f"listing{DRAFT_SUFFIX}"))
        values = None
        if slices:
            from components.evaluation.predictions.slice_values import SliceValuesWriter

            values_draft = stack.enter_context(Draft(folder / f"slices{DRAFT_SUFFIX}"))
            values = stack.enter_context(
                contextlib.closing(SliceValuesWriter(values_draft, slices, data))
            )
        yield _Listing(folder, data, draft, values)


class _Listing:
    """A listing that is being written."""

    def __init__(
        self, folder: Path, data: str, draft: Draft, slice_values: "SliceValuesWriter | None"
    ) -> None:
        self._folder, self._data = folder, data
        self._draft = draft
        self._slice_values = slice_values
        self._digest = hashlib.sha256()
        self._domains: set[str] = set()
        self._files = 0
        self._unlabelled = 0

    def add_row(self, row: ListingRow) -> None:
        row = row.copy()
        slices = row.pop("slices", {})
        if self._slice_values and "reason" not in row:
            self._slice_values.add(row["path"], slices)
        line = json.dumps(row, sort_keys=True).encode() + b"\n"
        self._draft.file.write(line)
        self._digest.update(line)
        self._files += 1
        if "reason" not in row:
            self._domains.add(row["domain"])

    def add_labelled_row(self, row: ListingRow) -> None:
        """Add a row, unless its picture has no label."""
        if is_unlabelled(row["label"]):
            self._unlabelled += 1
        else:
            self.add_row(row)

    def check_slices(self) -> None:
        """Check that every column of a slice has a value, unless there are no pictures at all."""
        if self._slice_values and self._domains:
            self._slice_values.check_columns()

    def finish(self, data_root: str, skipped: SkippedFiles) -> Snapshot:
        """Give the listing its final path; see `write_listing` for arguments and errors."""
        if not self._domains:
            raise InputError(_no_pictures(self._data, self._unlabelled))
        digest = self._digest.hexdigest()
        return Snapshot(
            path=self._draft.rename(self._folder / f"{digest}.jsonl"),
            digest=digest,
            data_root=data_root,
            domains=tuple(sorted(self._domains)),
            files=self._files,
            ignored=skipped.ignored,
            empty_classes=tuple(
                (domain, label)
                for domain, label in skipped.empty_classes
                if not is_unlabelled(label)
            ),
            notes=(_without_label(self._unlabelled),) if self._unlabelled else (),
            slice_values=self._slice_values.finish(self._folder) if self._slice_values else None,
        )


def _without_label(count: int) -> str:
    pictures = f"{counted(count, 'picture')} without a label"
    return f"Left out: {pictures}. Give labels with `carryover label`."


def _no_pictures(data: str, num_unlabelled: int) -> str:
    if num_unlabelled:
        return f"data {data}: no picture has a label. {_without_label(num_unlabelled)}"
    if is_manifest(data):
        return f"manifest {data} names no file that can be opened. Check its paths."
    return (
        f"data folder {data} holds no files in the layout <domain>/<class>/<picture>. "
        "Sort the pictures into such folders."
    )
