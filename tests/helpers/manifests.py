"""Manifests of a few rows, and what reading them gives."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.inputs.manifest import read_manifest
from trainer_module.contract.errors import InputError
from trainer_module.contract.listing_row import ListingRow


def write_csv(folder: Path, text: str | bytes) -> str:
    """Write a CSV manifest; returns its path."""
    path = folder / "pictures.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def write_parquet(folder: Path, columns: dict[str, Any], **options: Any) -> str:
    """Write a Parquet manifest; returns its path."""
    path = folder / "pictures.parquet"
    pq.write_table(pa.table(columns), path, **options)
    return str(path)


def read_csv(folder: Path, text: str | bytes) -> list[ListingRow]:
    """Write a CSV manifest and read it."""
    return list(read_manifest(write_csv(folder, text)))


def reasons(rows: Iterable[ListingRow]) -> list[str | None]:
    """Return the reason of every row, None for usable ones."""
    return [row.get("reason") for row in rows]


def refusal(location: str) -> str:
    """Return the message of the input error that reading a manifest raises."""
    with pytest.raises(InputError) as error:
        list(read_manifest(location))
    assert "\n" not in str(error.value)
    return str(error.value)
