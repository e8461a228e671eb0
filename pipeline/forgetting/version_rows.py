"""Rows about pictures in the files of a version, and their removal."""

import io
import posixpath
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.evaluation.predictions.stored_predictions import read_stored
from components.pusher.data_set import read_data_set
from components.pusher.version_files import note_shortened
from pipeline.forgetting.forgotten_pictures import ForgottenPictures
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.model_assets import (
    LABEL_ISSUES,
    OUT_OF_FOLD,
    PICTURES,
    TEST_PREDICTIONS,
)
from trainer_module.contract.workspace_files.array_files import Arrays, read_arrays

#: Tables of a version in which a picture is known by its content.
_TABLES: dict[str, Callable[[Path], pa.Table | None]] = {
    PICTURES: read_data_set,
    TEST_PREDICTIONS: read_stored,
}

#: Files of arrays with a row per picture, in which it is known by its id.
_ARRAYS = (OUT_OF_FOLD, LABEL_ISSUES)

_IMAGE_IDS = "image_ids"


def count_by_split(version: Path, pictures: ForgottenPictures) -> Counter[str]:
    """Return how many of the pictures a version was made from, by split.

    Args:
        version: Folder of the version.
        pictures: Pictures to forget.

    Raises:
        UnavailableError: The list of the version is damaged.
    """
    table = read_data_set(version)
    if table is None:
        return Counter()
    return Counter(table.filter(_are_forgotten(table, pictures))["split"].to_pylist())


@dataclass(frozen=True)
class VersionRowsRemoval:
    """Removes the rows about pictures from the files of a version.

    Attributes:
        version: Folder of the version.
        pictures: Pictures to forget.
        count: Number of rows, see `plan_rows_removal`.
    """

    version: Path
    pictures: ForgottenPictures
    count: int
    kind: str = "rows in lists of versions"

    def size(self) -> int:
        """Return 0: the files stay."""
        return 0

    def carry_out(self) -> None:
        """See `pipeline.retention.removal.Step`."""
        note_shortened(self.version, [PICTURES, TEST_PREDICTIONS, *_ARRAYS])
        image_ids = _forgotten_ids(self.version, self.pictures)
        for name, table in _tables(self.version):
            left = table.filter(pc.invert(_are_forgotten(table, self.pictures)))
            if left.num_rows < table.num_rows:
                content = pa.BufferOutputStream()
                pq.write_table(left, content, compression="zstd")
                atomic_write(self.version / name, content.getvalue().to_pybytes())
        for name in _ARRAYS:
            arrays = _read(self.version, name)
            if arrays is not None and (rows := _rows_of(arrays, image_ids)).any():
                buffer = io.BytesIO()
                np.savez(buffer, **{key: value[~rows] for key, value in arrays.items()})
                atomic_write(self.version / name, buffer.getvalue())


def plan_rows_removal(version: Path, pictures: ForgottenPictures) -> VersionRowsRemoval | None:
    """Return the removal of the rows about pictures; None if there are none.

    Args:
        version: Folder of a version, or of what is left of one.
        pictures: Pictures to forget.

    Raises:
        UnavailableError: A file of the version is damaged.
    """
    count, image_ids = 0, _forgotten_ids(version, pictures)
    for _, table in _tables(version):
        count += pc.sum(_are_forgotten(table, pictures)).as_py() or 0
    for name in _ARRAYS:
        arrays = _read(version, name)
        if arrays is not None:
            count += int(_rows_of(arrays, image_ids).sum())
    return VersionRowsRemoval(version, pictures, count) if count else None


def _tables(version: Path) -> Iterator[tuple[str, pa.Table]]:
    """Yield the names and tables that are there: `carryover clean` leaves some of them."""
    for name, read in _TABLES.items():
        table = read(version) if (version / name).exists() else None
        if table is not None:
            yield name, table


def _are_forgotten(table: pa.Table, pictures: ForgottenPictures) -> pa.ChunkedArray:
    wanted = pa.array(sorted(pictures.contents), pa.binary(16))
    return pc.is_in(table["content"], value_set=wanted)


def _read(version: Path, name: str) -> Arrays | None:
    return read_arrays(str(version), name, "list of pictures", dict)


def _forgotten_ids(version: Path, pictures: ForgottenPictures) -> frozenset[bytes]:
    """Return the image ids under which the arrays of a version know the pictures.

    An id is relative to a data root, and another root may have another picture of that name. The
    list of the version has the whole paths: it tells which one the version knows. A picture that is
    not in it was removed from it by a call that was killed.
    """
    table = read_data_set(version) if (version / PICTURES).exists() else None
    if table is None:
        return pictures.locations
    by_name = defaultdict(list)
    for image_id in pictures.locations:
        by_name[posixpath.basename(image_id)].append(image_id)
    ids: dict[bool, set[bytes]] = {True: set(), False: set()}
    rows = table["location"].to_pylist(), _are_forgotten(table, pictures).to_pylist()
    for location, is_forgotten in zip(*rows, strict=True):
        for image_id in by_name.get(posixpath.basename(location), ()):
            if location == image_id or location.endswith(b"/" + image_id):
                ids[is_forgotten].add(image_id)
    return pictures.locations - (ids[False] - ids[True])


def _rows_of(arrays: Arrays, image_ids: frozenset[bytes]) -> npt.NDArray[np.bool_]:
    """Return which rows are about pictures with some ids, bool [rows]."""
    return np.array([one in image_ids for one in arrays[_IMAGE_IDS].tolist()], bool)
