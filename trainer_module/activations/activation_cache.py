"""Features of pictures that were seen before, kept from one retraining to the next."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trainer_module.activations.activation_store import DTYPE

FEATURES, KEYS = "features.bin", "keys.bin"

#: Bytes of a row's key: digest of the pixels, and number of the view.
KEY_BYTES = 18


class FeatureCache:
    """Rows of features by picture and view.

    Two files grow at their ends, features first: what a killed process left half written has no
    key, and is cut off by the next one. Only one process may use a cache at a time.
    """

    def __init__(self, folder: str, network: str, shape: Sequence[int]) -> None:
        """Open the cache of a network; those of others are removed.

        Args:
            folder: of all caches.
            network: identity of what computes the features, see `identity`.
            shape: of a row.
        """
        self._folder = Path(folder, network)
        self._shape = tuple(shape)
        for other in Path(folder).glob("*"):
            if other != self._folder:
                shutil.rmtree(other)
        self._folder.mkdir(parents=True, exist_ok=True)
        keys = self._path(KEYS).read_bytes() if self._path(KEYS).exists() else b""
        rows = min(len(keys) // KEY_BYTES, self._size() // self._row_bytes)
        self._cut(rows)
        self._rows = rows
        self._places = {keys[n * KEY_BYTES : (n + 1) * KEY_BYTES]: n for n in range(rows)}

    def find(self, digests: Sequence[bytes], view: int, array: np.ndarray) -> np.ndarray:
        """Fill in the rows that are known.

        Args:
            digests: of the pictures, one per row.
            view: number of the view.
            array: features [rows, ...], of which the known ones are set.

        Returns:
            Bool [rows]: which are known.
        """
        places = [self._places.get(_key(digest, view), -1) for digest in digests]
        wanted = np.array(places, np.int64)
        known = wanted >= 0
        if known.any():
            kept: np.ndarray = np.memmap(
                self._path(FEATURES), DTYPE, "r", shape=(self._rows, *self._shape)
            )
            array[known] = kept[wanted[known]]
        return known

    def add(self, digests: Sequence[bytes], view: int, array: np.ndarray) -> None:
        """Keep rows.

        Args:
            digests: of pictures that are not known in this view, one per row.
            view: number of the view.
            array: features [rows, ...].
        """
        keys = [_key(digest, view) for digest in digests]
        _append(self._path(FEATURES), np.ascontiguousarray(array, DTYPE).tobytes())
        _append(self._path(KEYS), b"".join(keys))
        self._places.update({key: self._rows + n for n, key in enumerate(keys)})
        self._rows += len(keys)

    @property
    def _row_bytes(self) -> int:
        return int(np.prod(self._shape)) * np.dtype(DTYPE).itemsize

    def _path(self, name: str) -> Path:
        return self._folder / name

    def _size(self) -> int:
        path = self._path(FEATURES)
        return path.stat().st_size if path.exists() else 0

    def _cut(self, rows: int) -> None:
        """Take off what has no counterpart in the other file."""
        for name, size in ((FEATURES, self._row_bytes), (KEYS, KEY_BYTES)):
            if self._path(name).exists():
                os.truncate(self._path(name), rows * size)


def identity(weights: Sequence[np.ndarray], *settings: object) -> str:
    """Name of a network: its weights, and what else its features depend on.

    Args:
        weights: of the part that computes the features.
        settings: such as the size of pictures and the strength of views.
    """
    digest = hashlib.sha256(repr(settings).encode())
    for weight in weights:
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()[:32]


def _key(digest: bytes, view: int) -> bytes:
    return digest + view.to_bytes(KEY_BYTES - len(digest), "big")


def _append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
