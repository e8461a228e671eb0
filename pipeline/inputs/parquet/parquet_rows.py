"""Rows of a manifest in Parquet, read in this process.

A damaged file can crash Arrow: `parquet_table.py` is what others call.
"""

import contextlib
import functools
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any, BinaryIO

from pipeline.inputs.manifest_columns import NO_SLICES, TableRow, WantedColumns, find_columns
from trainer_module.contract.errors import InputError

#: Number of rows in memory.
BATCH_ROWS = 1024

#: Arrow's names of text and whole numbers. No floats: a label 3.0 would not be the class 3.
COLUMN_TYPES = re.compile("(dictionary<values=)?(large_)?(string|u?int|null)")

#: Most characters of pyarrow's messages that are shown.
MAX_REASON = 300

#: Extension type whose metadata is a pickle. Arrow before 14.0.1 unpickles it when a file is
#: opened, which runs what the author of the file wants (CVE-2023-47248).
PICKLED_TYPE = "arrow.py_extension_type"

#: Key of the metadata of a field whose extension type this Arrow does not know.
EXTENSION_NAME = b"ARROW:extension:name"


def read_parquet_rows(
    file: BinaryIO,
    location: str,
    max_chunk: int | None = None,
    wanted: WantedColumns = NO_SLICES,
) -> Iterator[TableRow]:
    """Read the rows of a Parquet file. Nothing that the file holds is executed.

    Args:
        file: Content.
        location: Path or URI of the file, for messages.
        max_chunk: Largest size of a chunk of a column in bytes. None for any size.
        wanted: Columns to read.

    Raises:
        InputError: The columns are not those of a manifest, the file cannot be read, or a chunk is
            too large.
    """
    import pyarrow.parquet as pq

    _forbid_pickled_types()
    try:
        table = pq.ParquetFile(file)
        schema = table.schema_arrow
        positions = find_columns(schema.names, location, wanted)
        columns = {name: schema.names[position] for name, position in positions.items()}
        for column in columns.values():
            _check_type(schema.field(column), location)
        if max_chunk is not None:
            _check_sizes(table.metadata, set(columns.values()), location, max_chunk)
        batches = table.iter_batches(BATCH_ROWS, columns=list(columns.values()))
        rows = chain.from_iterable(batch.to_pylist() for batch in batches)
        for number, row in enumerate(rows, 1):
            cells = {name: row[column] for name, column in columns.items()}
            texts = {name: "" if cell is None else str(cell) for name, cell in cells.items()}
            yield TableRow(f"row {number}", texts)
    except InputError:
        raise
    except Exception as error:  # a damaged file makes pyarrow raise any error
        raise InputError(
            f"manifest {location} cannot be read as Parquet: {repr(error)[:MAX_REASON]}. Write it "
            "again."
        ) from None


def read_parquet_names(file: BinaryIO) -> list[str]:
    """Return the names of the columns of a Parquet file that `parquet_table` has read before.

    Args:
        file: Content.
    """
    import pyarrow.parquet as pq

    _forbid_pickled_types()
    names: list[str] = pq.ParquetFile(file).schema_arrow.names
    return names


def _check_sizes(metadata: Any, columns: set[str], location: str, max_chunk: int) -> None:
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(number)
            if chunk.path_in_schema in columns and chunk.total_uncompressed_size > max_chunk:
                raise InputError(
                    f"manifest {location}: column {chunk.path_in_schema} has a row group of "
                    f"{chunk.total_uncompressed_size:,} bytes, and the limit is {max_chunk:,}. "
                    "Write it with smaller row groups."
                )


@functools.cache
def _forbid_pickled_types() -> None:
    """Let Arrow refuse every file with a pickled type, in this process and from now on."""
    import pyarrow as pa

    class PickledType(pa.ExtensionType):
        """Takes the name of the type that Arrow would unpickle."""

        def __init__(self) -> None:
            super().__init__(pa.null(), PICKLED_TYPE)

        def __arrow_ext_serialize__(self) -> bytes:
            return b""

        @classmethod
        def __arrow_ext_deserialize__(cls, storage: Any, serialized: bytes) -> "PickledType":
            raise pa.ArrowInvalid("it has a column of a pickled type, which is never unpickled")

    with contextlib.suppress(pa.ArrowKeyError):  # newer versions have no such type
        pa.unregister_extension_type(PICKLED_TYPE)
    pa.register_extension_type(PickledType())


def _check_type(field: Any, location: str) -> None:
    """Check that a column holds text or whole numbers, and no extension type over these.

    Raises:
        InputError: It does not.
    """
    kind = str(field.type)
    extension = getattr(field.type, "extension_name", None)  # a type that Arrow knows
    if EXTENSION_NAME in (field.metadata or {}):
        extension = field.metadata[EXTENSION_NAME].decode(errors="replace")
    if extension is not None:
        kind = f"extension type {extension!r}"
    if extension is not None or not COLUMN_TYPES.match(kind):
        raise InputError(
            f"manifest {location}: column {field.name} must hold text or whole numbers. "
            f"Received: {kind}"
        )
