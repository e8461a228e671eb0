"""Looks for pictures in every file of a folder, also in compressed and serialized ones."""

import base64
import gzip
import hashlib
import io
import re
import sqlite3
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from tensorflow.core.example.example_pb2 import Example

from trainer_module.contract.tfrecord_frames import DamagedRecordError, read_records

#: Side at which pictures are compared, and the largest mean difference of a copy, of 255: a
#: thumbnail and a JPEG of the same picture differ by less.
_SIDE, _MAX_DIFFERENCE = 8, 8.0

#: Bytes from the middle of a file that no other file has.
_NEEDLE = 48

_DATA_URI = re.compile(rb"data:[\w/+.-]+;base64,([A-Za-z0-9+/=]+)")
_IMAGE = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")


class PictureTraces:
    """Finds copies, thumbnails, resized copies and names of pictures."""

    def __init__(self, pictures: list[Path]) -> None:
        """Read the pictures.

        Args:
            pictures: Paths of the pictures. Their names, without the suffix, are looked for, too,
                and the digests by which a workspace knows them.
        """
        self._names = [path.stem.encode() for path in pictures]
        contents = [path.read_bytes() for path in pictures]
        digests = [hashlib.sha256(data) for data in contents]
        self._needles = [
            *(data[len(data) // 2 :][:_NEEDLE] for data in contents),
            *(digest.digest()[:16] for digest in digests),
            *(digest.hexdigest().encode() for digest in digests),
        ]
        self._looks = np.stack([_look(Image.open(io.BytesIO(data))) for data in contents])

    def find(self, folder: Path, left_out: tuple[str, ...] = ()) -> set[str]:
        """Return the files that hold something of the pictures, relative to a folder.

        Args:
            folder: Folder to search.
            left_out: Parts of paths that are not looked at.
        """
        found = set()
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if (
                path.is_file()
                and not path.is_symlink()
                and not any(one in name for one in left_out)
            ):
                blobs = [name.encode(), *_unpacked(path.name, path.read_bytes(), path)]
                if any(map(self._is_trace, blobs)):
                    found.add(name)
        return found

    def _is_trace(self, data: bytes) -> bool:
        if any(one in data for one in (*self._names, *self._needles)):
            return True
        image = _decoded(data)
        if image is None:
            return False
        differences = np.abs(self._looks - _look(image)).mean(axis=(1, 2, 3))
        return bool(differences.min() < _MAX_DIFFERENCE)


def _look(image: Image.Image) -> "np.ndarray[Any, Any]":
    small = image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return np.asarray(small, np.float32)


def _decoded(data: bytes) -> Image.Image | None:
    """Return a picture from a file of one, or from its pixels, three bytes each."""
    if data.startswith(_IMAGE):
        try:
            return Image.open(io.BytesIO(data)).convert("RGB")
        except OSError:
            return None
    side = int((len(data) / 3) ** 0.5)
    if side >= 2 * _SIDE and 3 * side * side == len(data):
        return Image.frombytes("RGB", (side, side), data)
    return None


def _unpacked(name: str, data: bytes, path: Path | None = None) -> Iterator[bytes]:
    """Yield the content of a file, and everything that is packed in it."""
    yield data
    for match in _DATA_URI.finditer(data):
        yield base64.b64decode(match[1])
    if data.startswith(b"\x1f\x8b"):
        yield from _unpacked(name.removesuffix(".gz"), gzip.decompress(data))
    elif data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for one in archive.namelist():
                yield from _unpacked(one, archive.read(one))
    elif name.endswith(".tar"):
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for one in archive:
                if (file := archive.extractfile(one)) is not None:
                    yield from _unpacked(one.name, file.read())
    elif data.startswith(b"PAR1"):
        yield from _values(pq.read_table(pa.BufferReader(data)).to_pylist())
    elif data.startswith(b"SQLite format 3") and path is not None:
        yield from _rows(path)
    else:
        yield from _records(data)


def _rows(database: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        tables = connection.execute("select name from sqlite_master where type = 'table'")
        for (table,) in tables.fetchall():
            yield from _values(connection.execute(f'select * from "{table}"').fetchall())  # noqa: S608


def _records(data: bytes) -> Iterator[bytes]:
    """Yield the records of a TFRecord file, and the values of the tf.Examples in them."""
    with _as_file(data) as file:
        for record in read_records(file):
            if isinstance(record, DamagedRecordError):
                return
            yield record
            try:
                features = Example.FromString(record).features.feature
            except Exception:  # noqa: S112 (a record of another kind)
                continue
            for feature in features.values():
                yield from feature.bytes_list.value


def _as_file(data: bytes) -> Any:
    import tempfile

    file = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
    file.write(data)
    file.seek(0)
    return file


def _values(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, str):
        yield value.encode("utf-8", "surrogateescape")
    elif isinstance(value, dict):
        yield from _values(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _values(one)
