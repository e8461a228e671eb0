"""Rows of a manifest in Parquet."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from pipeline.inputs.manifest_columns import TableRow, find_columns
from trainer_module.contract.errors import InputError

#: Number of rows in memory.
BATCH_ROWS = 1024

#: Arrow's names of text and whole numbers. No floats: a label 3.0 would not be the class 3.
COLUMN_TYPES = re.compile("(dictionary<values=)?(large_)?(string|u?int|null)")


def read_parquet_table(file: BinaryIO, location: str) -> Iterator[TableRow]:
    """Read the rows of a Parquet file.

    Args:
        file: Content.
        location: Path or URI of the file, for messages.

    Raises:
        InputError: The columns are not those of a manifest, or the file cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
        schema = table.schema_arrow
        positions = find_columns(schema.names, location)
        columns = {name: schema.names[position] for name, position in positions.items()}
        for column in columns.values():
            kind = str(schema.field(column).type)
            if not COLUMN_TYPES.match(kind):
                raise InputError(
                    f"manifest {location}: column {column} must hold text or whole numbers. "
                    f"Received: {kind}"
                )
        batches = table.iter_batches(BATCH_ROWS, columns=list(columns.values()))
        rows = chain.from_iterable(batch.to_pylist() for batch in batches)
        for number, row in enumerate(rows, 1):
            cells = {name: row[column] for name, column in columns.items()}
            texts = {name: "" if cell is None else str(cell) for name, cell in cells.items()}
            yield TableRow(f"row {number}", texts)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"manifest {location} cannot be read as Parquet: {error!r}. Write it again."
        ) from None
