"""Activations of pictures from earlier trainings, kept from one retraining to the next."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer_module.activations.activation_store import DTYPE

#: Files of a cache. Other trainings read them: the names do not change.
ACTIVATIONS_FILE, KEYS_FILE = "features.bin", "keys.bin"

#: Bytes per key: the digest of the pixels and the number of the view.
KEY_BYTES = 18


class ActivationCache:
    """Rows of activations on disk, by picture and view.

    Both files are only appended to, activations first. After a process was killed, activations
    without a key may be left at the end; the next process truncates them. Only one process may
    use a cache at a time.
    """

    def __init__(self, folder: str, network: str, shape: Sequence[int]) -> None:
        """Open the cache of one network, and remove the caches of all other networks.

        Args:
            folder: Folder of all caches.
            network: Digest of the network that computes the activations, see `network_digest`.
            shape: Shape of one row.
        """
        self._folder = Path(folder, network)
        self._shape = tuple(shape)
        for other in Path(folder).glob("*"):
            if other != self._folder:
                shutil.rmtree(other)
        self._folder.mkdir(parents=True, exist_ok=True)
        keys = self._path(KEYS_FILE).read_bytes() if self._path(KEYS_FILE).exists() else b""
        rows = min(len(keys) // KEY_BYTES, self._activations_size() // self._row_bytes)
        self._truncate(rows)
        self._rows = rows
        self._row_of_key = {keys[n * KEY_BYTES : (n + 1) * KEY_BYTES]: n for n in range(rows)}

    def find(
        self, digests: Sequence[bytes], view: int, array: npt.NDArray[np.float16]
    ) -> npt.NDArray[np.bool_]:
        """Copy the cached rows into an array.

        Args:
            digests: Digest of each picture's pixels, one per row of the array.
            view: Number of the view.
            array: Activations, [rows, ...], whose cached rows are set.

        Returns:
            Which rows were in the cache, bool [rows].
        """
        rows = np.array([self._row_of_key.get(_key(digest, view), -1) for digest in digests], int)
        cached = rows >= 0
        if cached.any():
            stored: npt.NDArray[np.float16] = np.memmap(
                self._path(ACTIVATIONS_FILE), DTYPE, "r", shape=(self._rows, *self._shape)
            )
            array[cached] = stored[rows[cached]]
        return cached

    def add(self, digests: Sequence[bytes], view: int, array: npt.NDArray[np.float16]) -> None:
        """Append rows.

        Args:
            digests: Digests of pictures that are not cached in this view, one per row.
            view: Number of the view.
            array: Activations, [rows, ...].
        """
        keys = [_key(digest, view) for digest in digests]
        _append(self._path(ACTIVATIONS_FILE), np.ascontiguousarray(array, DTYPE).tobytes())
        _append(self._path(KEYS_FILE), b"".join(keys))
        self._row_of_key.update({key: self._rows + n for n, key in enumerate(keys)})
        self._rows += len(keys)

    @property
    def _row_bytes(self) -> int:
        return int(np.prod(self._shape)) * np.dtype(DTYPE).itemsize

    def _path(self, name: str) -> Path:
        return self._folder / name

    def _activations_size(self) -> int:
        path = self._path(ACTIVATIONS_FILE)
        return path.stat().st_size if path.exists() else 0

    def _truncate(self, rows: int) -> None:
        """Remove everything after the rows that both files hold."""
        for name, size in ((ACTIVATIONS_FILE, self._row_bytes), (KEYS_FILE, KEY_BYTES)):
            if self._path(name).exists():
                os.truncate(self._path(name), rows * size)


def network_digest(weights: Sequence[npt.NDArray[np.generic]], *settings: object) -> str:
    """Return a digest of everything that activations depend on except the pictures.

    Args:
        weights: Weights of the part of the network that computes the activations.
        *settings: Further settings, such as the image size and the augmentation preset.
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
