"""One row per usable picture, without its pixels: what the checks of a data set read."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tfx.dsl.io import fileio

from trainer_module.contract import example_features

#: Columns of `pictures-*.parquet`. An image id may hold bytes that are no UTF-8.
SCHEMA = pa.schema(
    [
        (example_features.IMAGE_ID, pa.binary()),
        (example_features.DOMAIN, pa.string()),
        (example_features.LABEL, pa.string()),
        ("split", pa.string()),
        ("given", pa.bool_()),  # the manifest names the split
        ("content", pa.binary(16)),  # digest of the file: equal for exact copies
        ("group", pa.binary(16)),  # digest of what shares a split: `content`, or a named group
        ("look", pa.binary(32)),  # perceptual hash: few bits apart for pictures that look alike
        ("rewritten", pa.bool_()),  # stored as a new PNG, because TensorFlow reads it differently
        ("colour_profile", pa.bool_()),  # an ICC profile came with it, and is ignored
        *((name, pa.int64()) for name in example_features.SIZES),
        *((name, pa.float32()) for name in example_features.MEASURES),
    ]
)


def write_catalog(uri: str, suffix: str, rows: list[dict[str, Any]]) -> None:
    """Write the rows of one chunk."""
    table = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), table)
    with fileio.open(_path(uri, suffix), "wb") as file:
        file.write(table.getvalue().to_pybytes())


def read_catalog(uri: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Read the catalog, one chunk after the other.

    Args:
        uri: of the `catalog` artifact.
        columns: names in `SCHEMA`; all where there are none.
    """
    for suffix in catalog_suffixes(uri):
        yield read_part(uri, suffix, columns)


def read_part(uri: str, suffix: str, columns: list[str] | None = None) -> pa.Table:
    """Read the rows of one chunk."""
    with fileio.open(_path(uri, suffix), "rb") as file:
        return pq.read_table(pa.BufferReader(file.read()), columns=columns)


def catalog_suffixes(uri: str) -> list[str]:
    """Suffixes of the chunks, in their order."""
    before, after = _path(uri, "*").split("*")
    return sorted(path[len(before) : -len(after)] for path in fileio.glob(_path(uri, "*")))


def _path(uri: str, suffix: str) -> str:
    return f"{uri}/pictures-{suffix}.parquet"
