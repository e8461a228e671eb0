"""Read a manifest: a table of pictures that a user gives instead of a folder."""

import contextlib
import os
import posixpath
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import BinaryIO

from pipeline.inputs.allowed_roots import AllowedRoots
from pipeline.inputs.csv_table import read_csv_table
from pipeline.inputs.file_status import UNREADABLE, read_file_status
from pipeline.inputs.manifest_columns import REQUIRED, TableRow, WantedColumns
from pipeline.inputs.manifest_path import ManifestFiles
from pipeline.inputs.parquet.parquet_rows import BATCH_ROWS
from pipeline.inputs.parquet.parquet_table import MAX_CHUNK, read_parquet_table
from pipeline.inputs.row_check import RowCheck
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import is_uri, local_path
from trainer_module.contract.output_text.wording import counted
from trainer_module.contract.regular_file import UnusableFileError, open_regular

__all__ = [
    "BATCH_ROWS",
    "MANIFEST_SUFFIXES",
    "read_manifest",
    "read_manifest_paths",
    "read_usable_manifest",
]

MANIFEST_SUFFIXES = (".csv", ".parquet")

#: Number of threads that look up the files of a batch of rows.
THREADS = 32

#: Largest manifest of a delivery, in bytes. It bounds the memory of a pass.
MAX_DELIVERED_BYTES = 256 * 2**20


def read_manifest(
    location: str, roots: AllowedRoots | None = None, slices: tuple[str, ...] = ()
) -> Iterator[ListingRow]:
    """Read the rows of a manifest in their order, and look up the file of each.

    Args:
        location: Local path or URI of a CSV (UTF-8; comma, semicolon, tab or |) or Parquet file
            with the columns `path, domain, label[, split][, group]` and those of slices; others are
            ignored. Paths may be relative to its folder.
        roots: Where the manifest of a delivery and the files that it names may be. None for a
            manifest that the user names: it may name any file.
        slices: Names of the columns of slices, in lower case. Only a delivery may lack them.

    Yields:
        A row with `path` (as written, or in the Unicode form of the file's name), `domain`,
        `label`, `bytes`, `modified` (ns); `split`, `group` and `slices` where they are given;
        `reason` where the row is malformed or its file is unusable. The path of a row without one
        is its position: "line 17" (CSV) or "row 17" (Parquet).

    Raises:
        InputError: The manifest is missing, unreadable, not in that form or, in a delivery, too
            large, or a store that a path names is unavailable. Nothing is raised before the first
            row is read.
    """
    for _, row in _read_rows(location, roots, slices):
        yield row


def read_usable_manifest(location: str, slices: tuple[str, ...] = ()) -> Iterator[ListingRow]:
    """Read a manifest as `read_manifest` does, and refuse one without a usable row at its end.

    Args:
        location: Local path or URI of the manifest.
        slices: Names of the columns of slices, in lower case.

    Raises:
        InputError: See `read_manifest`; and no row is usable.
    """
    first, count = "", 0
    is_usable = False
    for position, row in _read_rows(location, None, slices):
        is_usable |= "reason" not in row
        count += 1
        first = first or _describe(position, row)
        yield row
    if not count:
        raise InputError(f"manifest {location} has no rows. Write a row for every picture.")
    if not is_usable:
        raise InputError(
            f"manifest {location} names no file that can be opened ({counted(count, 'row')}). "
            f"The first: {first}"
        )


def read_manifest_paths(location: str, roots: AllowedRoots) -> Iterator[str]:
    """Read the paths in the manifest of a delivery, as they are written. No file is looked up.

    Args:
        location: Local path of the manifest.
        roots: Where the manifest may be.

    Yields:
        A path per row; "" for a row without one.

    Raises:
        InputError: The manifest is unreadable or too large, or has no column `path`.
    """
    with _opened(location, roots) as file:
        for row in _read_table(file, location, MAX_CHUNK, WantedColumns(("path",))):
            yield local_path(row.texts.get("path", ""))


def _describe(position: str, row: ListingRow) -> str:
    reason = row.get("reason", "").removeprefix("malformed row: ")
    return reason if reason.startswith(position) else f"{position}: {row['path']}: {reason}"


def _read_rows(
    location: str, roots: AllowedRoots | None, slices: tuple[str, ...]
) -> Iterator[tuple[str, ListingRow]]:
    """Yield the rows of a manifest with their positions, see `read_manifest`."""
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions

    suffix = posixpath.splitext(location)[1].lower()
    if suffix not in MANIFEST_SUFFIXES:
        allowed = " or ".join(MANIFEST_SUFFIXES)
        raise InputError(f"manifest {location} must end in {allowed}. Received: {suffix!r}")
    FileSystems.set_options(PipelineOptions([]))  # without options, s3:// and azfs:// do not work
    if reason := read_file_status(location).reason:
        raise InputError(f"manifest {location}: {reason}. Give a CSV or Parquet file.")
    files = ManifestFiles(posixpath.dirname(location), roots)
    wanted = WantedColumns(REQUIRED if roots else REQUIRED + slices, slices)
    with _opened(location, roots) as file:
        table = _read_table(file, location, MAX_CHUNK if roots else None, wanted)
        yield from _complete_rows(table, files)


def _read_table(
    file: BinaryIO, location: str, max_chunk: int | None, wanted: WantedColumns
) -> Iterator[TableRow]:
    if location.lower().endswith(".csv"):
        return read_csv_table(file, location, wanted)
    return read_parquet_table(file, location, max_chunk, wanted)


@contextlib.contextmanager
def _opened(location: str, roots: AllowedRoots | None) -> Iterator[BinaryIO]:
    """Open a manifest; that of a delivery only if it is in the allowed roots, and not too large."""
    if is_uri(location):
        # Imported here: Beam prints warnings, and local manifests of the inbox do not need it.
        from apache_beam.io.filesystem import CompressionTypes
        from apache_beam.io.filesystems import FileSystems

        with FileSystems.open(location, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            yield file
        return
    try:
        opened = open_regular(location, roots.find_fault if roots else None)
    except UnusableFileError as reason:
        raise InputError(f"manifest {location}: {reason}. Give a CSV or Parquet file.") from None
    except OSError as error:
        raise UnavailableError(
            f"manifest {location}: {UNREADABLE}{error.strerror}. Make it readable, or remove it"
        ) from None
    with opened as file:
        size = os.fstat(file.fileno()).st_size
        if roots and size > MAX_DELIVERED_BYTES:
            raise InputError(
                f"manifest {location} has {size:,} bytes, and the limit is "
                f"{MAX_DELIVERED_BYTES:,}. Deliver it in several parts"
            )
        yield file


def _complete_rows(
    table: Iterator[TableRow], files: ManifestFiles
) -> Iterator[tuple[str, ListingRow]]:
    """Check the rows of a table, and look up their files."""
    check = RowCheck(files.root)
    with ThreadPoolExecutor(THREADS) as pool:
        while batch := [
            (one.position, check.listing_row(one)) for one in islice(table, BATCH_ROWS)
        ]:
            # A task per row would cost more than the look-up of a local file.
            parts = [batch[number::THREADS] for number in range(THREADS)]
            for changed in pool.map(lambda part: _look_up(part, files), parts):
                for position, row in changed:
                    # The manifest may name the same file in both of its forms.
                    if fault := check.listed_before(row, position):
                        row["reason"] = f"malformed row: {position}: {fault}"
            yield from batch


def _look_up(
    rows: list[tuple[str, ListingRow]], files: ManifestFiles
) -> list[tuple[str, ListingRow]]:
    """Look up the files of usable rows; return those whose path was changed."""
    return [(position, row) for position, row in rows if "reason" not in row and files.look_up(row)]
