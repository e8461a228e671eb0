"""Reads a manifest: a table of pictures that a user gives instead of a folder of them."""

import csv
import errno
import hashlib
import os
import posixpath
import re
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

from trainer_module.contract.errors import InputError
from trainer_module.contract.example_features import SPLITS
from trainer_module.contract.locations import is_uri, locate

MANIFEST_SUFFIXES = (".csv", ".parquet")

REQUIRED = ("path", "domain", "label")
OPTIONAL = ("split", "group")

#: Rows whose files are looked up at the same time, and by how many threads.
BATCH_ROWS = 1024
THREADS = 32

#: Arrow's names of text and whole numbers. No floats: a label 3.0 would not be the class 3.
COLUMN_TYPES = re.compile("(dictionary<values=)?(large_)?(string|u?int|null)")

#: HTTP status of what a store answers about one file; anything else is about the store.
ANSWERS = {403: os.strerror(errno.EACCES), 404: os.strerror(errno.ENOENT)}

#: A row of the table: where it is, its texts by column, and what is wrong with it, if anything.
Entry = tuple[str, dict[str, str], str]


def read_manifest(location: str) -> Iterator[dict[str, Any]]:
    """Read the rows of a manifest in their order, and look up the file of each.

    Args:
        location: local path or URI of a CSV (comma, semicolon or tab; UTF-8) or Parquet file with
            the columns `path, domain, label[, split][, group]`; others are ignored. Paths may be
            relative to its folder.

    Yields:
        `path` as written, `domain`, `label`, `bytes`, `modified` (ns); `split` and `group` where
        they are given; `reason` where the row or its file cannot be used. A row without a path
        is called by its place: "line 17" (CSV) or "row 17" (Parquet).

    Raises:
        InputError: the manifest is missing, unreadable or not in that form, or a store that a
            path names cannot be reached. Not raised before the first row is asked for.
    """
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions

    suffix = posixpath.splitext(location)[1].lower()
    if suffix not in MANIFEST_SUFFIXES:
        allowed = " or ".join(MANIFEST_SUFFIXES)
        raise InputError(f"manifest {location} must end in {allowed}. Received: {suffix!r}")
    FileSystems.set_options(PipelineOptions([]))  # without options, s3:// and azfs:// do not work
    if reason := look_up(location).get("reason"):
        raise InputError(f"manifest {location}: {reason}. Give a CSV or Parquet file.")
    read_entries = _csv_entries if suffix == ".csv" else _parquet_entries
    complete = partial(_complete, posixpath.dirname(location))
    with (
        FileSystems.open(location, compression_type=CompressionTypes.UNCOMPRESSED) as file,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        rows = _rows(read_entries(file, location))
        while batch := list(islice(rows, BATCH_ROWS)):
            # A task per row would cost more than the look-up of a local file.
            list(pool.map(complete, [batch[n::THREADS] for n in range(THREADS)]))
            yield from batch


def _csv_entries(file: BinaryIO, location: str) -> Iterator[Entry]:
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
                yield f"line {line}", dict(zip(columns, values, strict=True)), ""
            elif values:  # a blank line is no row
                yield f"line {line}", {}, f"{len(values)} columns, expected {len(columns)}"
            line = table.line_num + 1
    except (csv.Error, UnicodeDecodeError) as error:  # where the next row begins is unknown
        raise InputError(
            f"manifest {location} cannot be read from line {line} on: {error}. Save it as CSV in "
            "UTF-8, every quote closed, and quotes inside of quotes written twice."
        ) from None


def _parquet_entries(file: BinaryIO, location: str) -> Iterator[Entry]:
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
            yield f"row {number}", texts, ""
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


def _rows(entries: Iterator[Entry]) -> Iterator[dict[str, Any]]:
    seen: set[bytes] = set()
    for where, texts, fault in entries:
        fields = {name: text if name == "path" else text.strip() for name, text in texts.items()}
        row: dict[str, Any] = {name: fields.get(name, "") for name in REQUIRED}
        row |= {"bytes": 0, "modified": 0}
        row |= {name: fields[name] for name in OPTIONAL if fields.get(name)}
        fault = fault or _fault(row, seen)
        if fault:
            row["reason"] = f"malformed row: {where}: {fault}"
        if not row["path"].strip():
            row["path"] = where
        yield row


def _fault(row: dict[str, Any], seen: set[bytes]) -> str:
    for name in REQUIRED:
        if not row[name].strip():
            return f"{name} is empty"
    if row.get("split", SPLITS[0]) not in SPLITS:
        return f"split must be one of {', '.join(SPLITS)}. Received: {row['split']}"
    digest = hashlib.blake2b(row["path"].encode(), digest_size=12).digest()
    if digest in seen:
        return "path is listed before"
    seen.add(digest)
    return ""


def _complete(root: str, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if "reason" not in row:
            row |= look_up(locate(root, row["path"]))


def look_up(place: str) -> dict[str, Any]:
    """Size and time of a file, or the reason why it cannot be used."""
    from apache_beam.io.filesystems import FileSystems

    try:
        if is_uri(place):
            found = FileSystems.get_filesystem(place).metadata(place)
            # A float of seconds holds today's time to a microsecond.
            modified = round(found.last_updated_in_seconds * 1e6) * 1000
            return {"bytes": found.size_in_bytes, "modified": modified}
        status = Path(place).stat()
        if not stat.S_ISREG(status.st_mode):
            return {"reason": "not a regular file"}
        return {"bytes": status.st_size, "modified": status.st_mtime_ns}
    except (OSError, ValueError) as error:
        return {"reason": f"cannot be opened: {_why(place, error)}"}


def _why(place: str, error: Exception) -> str:
    # Beam wraps what a store raises.
    cause = (getattr(error, "exception_details", None) or {}).get(place, error)
    if isinstance(cause, OSError | ValueError):
        return getattr(cause, "strerror", None) or str(cause)
    if (code := getattr(cause, "code", None)) in ANSWERS:
        return ANSWERS[code]
    raise InputError(
        f"{place} cannot be looked up: {cause!r}. Check the network, the credentials, and that "
        "Beam's extra for this store is installed."
    ) from None
