"""Values of slices by picture: a file beside the listing of a run, which the Evaluator reads.

They are no part of the listing: with other slices, the examples and the model stay the same, and
only the Evaluator runs again.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trainer_module.contract import example_features
from trainer_module.contract.atomic_write import Draft
from trainer_module.contract.errors import DataError, InputError
from trainer_module.contract.printable_names import shortened

#: Most values of one column. Every value needs test pictures, and the gate compares all of them.
MAX_VALUES = 50

#: End of the name of a file.
SUFFIX = ".slices.parquet"

#: Rows that are written at once.
BATCH_ROWS = 1024

#: Values of the slices of pictures, by image id: name of the column -> value.
SliceValues = dict[bytes, dict[str, str]]


class SliceValuesWriter:
    """Writes a file of slice values. Close it before its draft."""

    def __init__(self, draft: Draft, columns: tuple[str, ...], data: str) -> None:
        """Begin a file.

        Args:
            draft: Draft of the file.
            columns: Names of the columns of slices.
            data: Name of the data in messages to the user.
        """
        self._draft, self._data = draft, data
        schema = [
            (example_features.IMAGE_ID, pa.binary()),
            *((one, pa.string()) for one in columns),
        ]
        self._schema = pa.schema(schema)
        self._writer = pq.ParquetWriter(draft.file, self._schema)
        self._rows: list[dict[str, str | bytes]] = []
        self._values: dict[str, set[str]] = {name: set() for name in columns}
        self._digest = hashlib.sha256(json.dumps(columns).encode())

    def add(self, path: str, values: dict[str, str]) -> None:
        """Add the values of a picture.

        Args:
            path: Path of the picture in the listing.
            values: Name of the column -> value; others than the columns of the file are ignored.

        Raises:
            DataError: A column has too many values.
        """
        values = {name: text for name, text in values.items() if name in self._values}
        if not values:
            return
        for name, text in values.items():
            found = self._values[name]
            found.add(text)
            if len(found) > MAX_VALUES:
                some = ", ".join(shortened(one, 20) for one in sorted(found)[:3])
                raise DataError(
                    f"{self._data}: column {shortened(name)} has more than {MAX_VALUES} values, "
                    f"such as {some}. A slice is a column with few values: leave the name out of "
                    "the config key slices, or write groups of values into the column."
                )
        image_id = path.encode("utf-8", "surrogateescape")
        self._digest.update(image_id + json.dumps(values, sort_keys=True).encode() + b"\n")
        self._rows.append({example_features.IMAGE_ID: image_id, **values})
        if len(self._rows) == BATCH_ROWS:
            self._write()

    def check_columns(self) -> None:
        """Check that every column has a value.

        Raises:
            InputError: A column has none.
        """
        for name, found in self._values.items():
            if not found:
                raise InputError(
                    f"{self._data}: no usable picture has a value of {shortened(name)}, which the "
                    "config key slices names. Write the column into the manifest, or into "
                    "sidecar.csv in the folder, or leave the name out of slices."
                )

    def close(self) -> None:
        """Close the writer of Parquet, also where the file is given up."""
        self._writer.close()

    def finish(self, folder: Path) -> Path:
        """Complete the file, and return its path. Its name depends on its content alone.

        Args:
            folder: Folder of the draft.
        """
        self._write()
        self.close()
        return self._draft.rename(folder / f"{self._digest.hexdigest()}{SUFFIX}")

    def _write(self) -> None:
        self._writer.write_table(pa.Table.from_pylist(self._rows, self._schema))
        self._rows = []


def read_slice_values(path: str, image_ids: Collection[bytes]) -> SliceValues:
    """Read the values of some pictures.

    Args:
        path: Path of the file.
        image_ids: Ids of the pictures.

    Returns:
        Values by image id. Pictures and columns without a value are missing.
    """
    wanted = pa.array(list(image_ids), pa.binary())
    values: SliceValues = {}
    with Path(path).open("rb") as file:
        for batch in pq.ParquetFile(file).iter_batches():
            table = pa.Table.from_batches([batch])
            is_wanted = pc.is_in(table[example_features.IMAGE_ID], value_set=wanted)
            for row in table.filter(is_wanted).to_pylist():
                image_id = row.pop(example_features.IMAGE_ID)
                values[image_id] = {name: text for name, text in row.items() if text is not None}
    return values


def encode_values(values: dict[str, str]) -> str | None:
    """Return the values of one picture as JSON, for a column of texts; None without values."""
    return json.dumps(values, sort_keys=True) if values else None


def slice_value_arrays(
    encoded: Sequence[str | None], columns: Collection[str]
) -> dict[str, npt.NDArray[np.object_]]:
    """Return the values of some columns as arrays of str; "" for a picture without a value.

    Args:
        encoded: Texts of `encode_values`, one per picture.
        columns: Names of the columns.
    """
    decoded = [decode_values(text) for text in encoded] if columns else []
    return {
        name: np.array([values.get(name, "") for values in decoded], object) for name in columns
    }


def decode_values(text: str | None) -> dict[str, str]:
    """Return the values of one picture: the inverse of `encode_values`."""
    values: dict[str, str] = json.loads(text) if text else {}
    return values
