"""Read a manifest: a table of pictures that a user gives instead of a folder."""

import csv
import hashlib
import posixpath
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import TextIOWrapper
from itertools import chain, islice
from typing import BinaryIO, NamedTuple

from pipeline.inputs.file_status import add_file_status, read_file_status
from trainer_module.contract.errors import InputError
from trainer_module.contract.example_features import SPLITS
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import locate

MANIFEST_SUFFIXES = (".csv", ".parquet")

REQUIRED = ("path", "domain", "label")
OPTIONAL = ("split", "group")

#: Number of rows whose files are looked up at the same time, and of threads that do it.
BATCH_ROWS = 1024
THREADS = 32

#: Arrow's names of text and whole numbers. No floats: a label 3.0 would not be the class 3.
COLUMN_TYPES = re.compile("(dictionary<values=)?(large_)?(string|u?int|null)")


class TableRow(NamedTuple):
    """A row of the table, before it is checked.

    Attributes:
        position: Position for messages, such as "line 17".
        texts: Values by column name.
        fault: Reason why the row is malformed; "" where it can be parsed.
    """

    position: str
    texts: dict[str, str]
    fault: str = ""


def read_manifest(location: str) -> Iterator[ListingRow]:
    """Read the rows of a manifest in their order, and look up the file of each.

    Args:
        location: Local path or URI of a CSV (comma, semicolon or tab; UTF-8) or Parquet file with
            the columns `path, domain, label[, split][, group]`; others are ignored. Paths may be
            relative to its folder.

    Yields:
        A row with `path` as written, `domain`, `label`, `bytes`, `modified` (ns); `split` and
        `group` where they are given; `reason` where the row is malformed or its file is unusable.
        The path of a row without one is its position: "line 17" (CSV) or "row 17" (Parquet).

    Raises:
        InputError: The manifest is missing, unreadable or not in that form, or a store that a
            path names is unavailable. Nothing is raised before the first row is read.
    """
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions

    suffix = posixpath.splitext(location)[1].lower()
    if suffix not in MANIFEST_SUFFIXES:
        allowed = " or ".join(MANIFEST_SUFFIXES)
        raise InputError(f"manifest {location} must end in {allowed}. Received: {suffix!r}")
    FileSystems.set_options(PipelineOptions([]))  # without options, s3:// and azfs:// do not work
    if reason := read_file_status(location).reason:
        raise InputError(f"manifest {location}: {reason}. Give a CSV or Parquet file.")
    read_table = _csv_rows if suffix == ".csv" else _parquet_rows
    add_statuses = partial(_add_statuses, posixpath.dirname(location))
    with (
        FileSystems.open(location, compression_type=CompressionTypes.UNCOMPRESSED) as file,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        rows = _checked_rows(read_table(file, location))
        while batch := list(islice(rows, BATCH_ROWS)):
            # A task per row would cost more than the look-up of a local file.
            list(pool.map(add_statuses, [batch[n::THREADS] for n in range(THREADS)]))
            yield from batch


def _csv_rows(file: BinaryIO, location: str) -> Iterator[TableRow]:
    # Quoted fields may hold line ends: newline="" leaves them as they are.
    text = TextIOWrapper(file, encoding="utf-8-sig", newline="")
    line = 1
    try:
        header = text.readline()
        delimiter = next((mark for mark in ",;\t" if mark in header), ",")
        table = csv.reader(chain([header], text), delimiter=delimiter, strict=True)
        columns = [name.strip() for name in next(table, [])]
        _check_columns(columns, location)
        line = table.line_num + 1
        for values in table:
            if len(values) == len(columns):
                yield TableRow(f"line {line}", dict(zip(columns, values, strict=True)))
            elif values:  # a blank line is no row
                fault = f"{len(values)} columns, expected {len(columns)}"
                yield TableRow(f"line {line}", {}, fault)
            line = table.line_num + 1
    except (csv.Error, UnicodeDecodeError) as error:  # where the next row begins is unknown
        raise InputError(
            f"manifest {location} cannot be read from line {line} on: {error}. Save it as CSV in "
            "UTF-8, every quote closed, and quotes inside of quotes written twice."
        ) from None


def _parquet_rows(file: BinaryIO, location: str) -> Iterator[TableRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
        schema = table.schema_arrow
        _check_columns(schema.names, location)
        columns = [name for name in REQUIRED + OPTIONAL if name in schema.names]
        for name in columns:
            kind = str(schema.field(name).type)
            if not COLUMN_TYPES.match(kind):
                raise InputError(
                    f"manifest {location}: column {name} must hold text or whole numbers. "
                    f"Received: {kind}"
                )
        batches = table.iter_batches(BATCH_ROWS, columns=columns)
        rows = chain.from_iterable(batch.to_pylist() for batch in batches)
        for number, row in enumerate(rows, 1):
            texts = {name: "" if row[name] is None else str(row[name]) for name in columns}
            yield TableRow(f"row {number}", texts)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"manifest {location} cannot be read as Parquet: {error!r}. Write it again."
        ) from None


def _check_columns(columns: Sequence[str], location: str) -> None:
    for name in REQUIRED + OPTIONAL:
        times = columns.count(name)
        if times > 1 or (times == 0 and name in REQUIRED):
            raise InputError(
                f"manifest {location} must have one column {name}: expected "
                f"{', '.join(REQUIRED)} and, if wanted, {', '.join(OPTIONAL)}. "
                f"Received: {', '.join(columns) or 'an empty file'}"
            )


def _checked_rows(table: Iterator[TableRow]) -> Iterator[ListingRow]:
    """Turn rows of the table into rows of a listing, whose files are not looked up yet."""
    seen: set[bytes] = set()
    for position, texts, fault in table:
        fields = {name: text if name == "path" else text.strip() for name, text in texts.items()}
        row = ListingRow(
            path=fields.get("path", ""),
            domain=fields.get("domain", ""),
            label=fields.get("label", ""),
            bytes=0,
            modified=0,
        )
        if fields.get("split"):
            row["split"] = fields["split"]
        if fields.get("group"):
            row["group"] = fields["group"]
        fault = fault or _find_fault(row, seen)
        if fault:
            row["reason"] = f"malformed row: {position}: {fault}"
        if not row["path"].strip():
            row["path"] = position
        yield row


def _find_fault(row: ListingRow, seen: set[bytes]) -> str:
    """Return the reason why a row is malformed, or ""; a new path is added to `seen`."""
    for name, text in (("path", row["path"]), ("domain", row["domain"]), ("label", row["label"])):
        if not text.strip():
            return f"{name} is empty"
    if row.get("split", SPLITS[0]) not in SPLITS:
        return f"split must be one of {', '.join(SPLITS)}. Received: {row['split']}"
    # A digest needs less memory than a long path.
    digest = hashlib.blake2b(row["path"].encode(), digest_size=12).digest()
    if digest in seen:
        return "path is listed before"
    seen.add(digest)
    return ""


def _add_statuses(root: str, rows: list[ListingRow]) -> None:
    for row in rows:
        if "reason" not in row:
            add_file_status(row, locate(root, row["path"]))
