"""The catalog of a run: one row per usable picture, without its pixels."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tfx.dsl.io import fileio

from trainer_module.contract import example_features
from trainer_module.contract.folder_files import list_suffixes

#: Names of the files: one per chunk, with its suffix.
FILES = "pictures-*.parquet"

#: Columns of these files. An image id may hold bytes that are not UTF-8.
SCHEMA = pa.schema(
    [
        (example_features.IMAGE_ID, pa.binary()),
        (example_features.DOMAIN, pa.string()),
        (example_features.LABEL, pa.string()),
        ("split", pa.string()),
        ("assigned", pa.string()),  # split before the correction: that of the listing, or by hash
        ("given", pa.bool_()),  # whether the listing names the split
        ("known", pa.bool_()),  # whether the serving version knows the picture and its split
        ("fold", pa.int8()),  # fold of a cross-fitted picture; null for all others
        ("content", pa.binary(16)),  # digest of the file, equal for exact copies
        ("group", pa.binary(16)),  # digest of the group that shares a split
        ("look", pa.binary(32)),  # perceptual hash
        ("rewritten", pa.bool_()),  # whether the example holds a new PNG
        ("colour_profile", pa.bool_()),  # whether the file has an ICC profile
        ("more_pages", pa.bool_()),  # whether the file has pages or frames that are ignored
        ("value_range", pa.string()),  # range that was scaled to 8 bits, see `pixels.value_range`
        ("blank", pa.string()),  # where the picture is blank, see `pixels.blank_areas`
        *((name, pa.int64()) for name in example_features.SIZES),
        *((name, pa.float32()) for name in example_features.MEASURES),
    ]
)


def write_catalog(uri: str, suffix: str, rows: list[dict[str, Any]]) -> None:
    """Write the rows of one chunk.

    Args:
        uri: URI of the `catalog` artifact.
        suffix: Suffix of the file name of the chunk.
        rows: Values of the columns of `SCHEMA`.
    """
    table = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), table)
    with fileio.open(_path(uri, suffix), "wb") as file:
        file.write(table.getvalue().to_pybytes())


def read_catalog(uri: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Read the catalog, one chunk after the other.

    Args:
        uri: URI of the `catalog` artifact.
        columns: Names of columns in `SCHEMA`; None for all.
    """
    for suffix in catalog_suffixes(uri):
        yield read_part(uri, suffix, columns)


def read_part(uri: str, suffix: str, columns: list[str] | None = None) -> pa.Table:
    """Read the rows of one chunk.

    Args:
        uri: URI of the `catalog` artifact.
        suffix: Suffix of the file name of the chunk.
        columns: Names of columns in `SCHEMA`; None for all.
    """
    with fileio.open(_path(uri, suffix), "rb") as file:
        return pq.read_table(pa.BufferReader(file.read()), columns=columns)


def catalog_suffixes(uri: str) -> list[str]:
    """Return the suffixes of all chunks, sorted.

    Args:
        uri: URI of the `catalog` artifact.
    """
    return list_suffixes(uri, FILES)


def _path(uri: str, suffix: str) -> str:
    return f"{uri}/{FILES.replace('*', suffix)}"
