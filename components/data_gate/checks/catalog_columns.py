"""The columns of a catalog that duplicates are found by, in memory."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.image_example_gen.catalog import read_catalog
from trainer_module.contract import example_features

#: Digest of the file, and perceptual hash of the picture.
HASHES = ("content", "look")

#: Columns of text that hold few different values.
NAMES = (example_features.DOMAIN, example_features.LABEL, "split")


@dataclass(frozen=True)
class CatalogColumns:
    """Columns of a catalog, one row per picture.

    Attributes:
        hashes: Column of `HASHES` -> uint8 [pictures, bytes].
        codes: Column of `NAMES` -> position of each picture's value in `names`, int32 [pictures].
        names: Column of `NAMES` -> its different values.
    """

    hashes: dict[str, npt.NDArray[np.uint8]]
    codes: dict[str, npt.NDArray[np.int32]]
    names: dict[str, list[str]]

    def values(self, row: int) -> tuple[str, str, str]:
        """Return the domain, the label and the split of one picture."""
        domain, label, split = (self.names[name][self.codes[name][row]] for name in NAMES)
        return domain, label, split


def read_columns(catalog_uri: str) -> CatalogColumns:
    """Read `HASHES` and `NAMES` of all pictures. It takes 60 bytes per picture.

    Args:
        catalog_uri: URI of ingestion's `catalog` artifact.
    """
    parts: dict[str, list[npt.NDArray[np.generic]]] = {name: [] for name in (*HASHES, *NAMES)}
    known: dict[str, dict[str, int]] = {name: {} for name in NAMES}
    for table in read_catalog(catalog_uri, [*HASHES, *NAMES]):
        if table.num_rows:  # a chunk of rejected files has none
            for name in HASHES:
                parts[name].append(_fixed_width(table[name]))
            for name in NAMES:
                parts[name].append(_encoded(table[name], known[name]))
    columns = {name: np.concatenate(parts.pop(name)) for name in (*HASHES, *NAMES)}
    return CatalogColumns(
        hashes={name: columns[name] for name in HASHES},
        codes={name: columns[name] for name in NAMES},
        names={name: list(known[name]) for name in NAMES},
    )


def read_image_ids(catalog_uri: str, rows: npt.NDArray[np.int64]) -> dict[int, bytes]:
    """Read the ids of a few pictures, so that those of all need not be in memory.

    Args:
        catalog_uri: URI of ingestion's `catalog` artifact.
        rows: Different rows of the catalog, ascending.

    Returns:
        Row -> image id, which may hold bytes that are no UTF-8.
    """
    image_ids: dict[int, bytes] = {}
    offset = 0
    for table in read_catalog(catalog_uri, [example_features.IMAGE_ID]):
        wanted = rows[(rows >= offset) & (rows < offset + table.num_rows)]
        ids = table[example_features.IMAGE_ID].take(pa.array(wanted - offset)).to_pylist()
        image_ids.update(zip(wanted.tolist(), ids, strict=True))
        offset += table.num_rows
    return image_ids


def _fixed_width(column: pa.ChunkedArray) -> npt.NDArray[np.uint8]:
    array = pa.concat_arrays(column.chunks)
    width = array.type.bit_width // 8
    values = np.frombuffer(array.buffers()[1], np.uint8)[array.offset * width :]
    return values[: len(array) * width].reshape(-1, width).copy()


def _encoded(column: pa.ChunkedArray, known: dict[str, int]) -> npt.NDArray[np.int32]:
    array = pa.concat_arrays(column.chunks).dictionary_encode()
    codes = [known.setdefault(name, len(known)) for name in array.dictionary.to_pylist()]
    return np.array(codes, np.int32)[array.indices.to_numpy()]
