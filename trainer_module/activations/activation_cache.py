"""Activations of pictures from earlier trainings, kept from one retraining to the next."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer_module.activations.activation_store import DTYPE
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.workspace_files.state_files import reading

#: Files of a cache. Other trainings read them: the names do not change.
ACTIVATIONS_FILE, KEYS_FILE = "features.bin", "keys.bin"

#: File beside the caches that says that a training had no room for all its rows.
FULL_FILE = "full"

#: File beside the caches with the most bytes that a cache may take.
LIMIT_FILE = "limit"

#: Bytes per key: the digest of the stored picture and the number of the view.
KEY_BYTES, DIGEST_BYTES = 18, 16

#: Bytes of rows that are copied at a time.
COPY_BYTES = 64 * 2**20


class ActivationCache:
    """Rows of activations on disk, by picture and view.

    Both files are only appended to, activations first. After a process was killed, activations
    without a key may be left at the end; the next process truncates them. Only one process may
    use a cache at a time: of several workers, the chief. It takes about 30 bytes of memory per row.
    """

    def __init__(self, folder: str, network: str, shape: Sequence[int], limit: int) -> None:
        """Open the cache of one network, and remove the caches of all other networks.

        Args:
            folder: Folder of all caches.
            network: Digest of the network that computes the activations, see `network_digest`.
            shape: Shape of one row.
            limit: Most bytes on disk. Rows beyond it are not added, see `remove_full_cache`.
        """
        self._folder = Path(folder, network)
        self._shape = tuple(shape)
        self._limit = limit
        for other in Path(folder).glob("*"):
            if other.is_dir() and other != self._folder:
                shutil.rmtree(other)
        self._folder.mkdir(parents=True, exist_ok=True)
        keys = self._path(KEYS_FILE).read_bytes() if self._path(KEYS_FILE).exists() else b""
        rows = min(len(keys) // KEY_BYTES, self._activations_size() // self._row_bytes)
        self._truncate(rows)
        self._set_keys(np.frombuffer(keys, f"S{KEY_BYTES}", rows))

    def find(
        self, digests: npt.NDArray[np.int64], view: int, array: npt.NDArray[np.float16]
    ) -> npt.NDArray[np.bool_]:
        """Copy the cached rows into an array.

        Args:
            digests: Digest of each stored picture, int64 [rows, 2].
            view: Number of the view.
            array: Activations, [rows, ...], whose cached rows are set.

        Returns:
            Which rows were in the cache, bool [rows].
        """
        keys = _keys(digests, view)
        if not len(self._keys):
            return np.zeros(len(keys), bool)
        # The last of equal keys counts. Below all keys, it is the last of all, which differs.
        places = np.searchsorted(self._sorted, keys, side="right") - 1
        cached: npt.NDArray[np.bool_] = self._sorted[places] == keys
        if cached.any():
            stored: npt.NDArray[np.float16] = np.memmap(
                self._path(ACTIVATIONS_FILE), DTYPE, "r", shape=(len(self._keys), *self._shape)
            )
            rows = self._order[places]
            for part in self._parts(np.flatnonzero(cached)):
                array[part] = stored[rows[part]]
        return cached

    def add(
        self,
        digests: npt.NDArray[np.int64],
        view: int,
        array: npt.NDArray[np.float16],
        rows: npt.NDArray[np.int64],
    ) -> int:
        """Append rows of an array, as many as the limit has room for.

        Args:
            digests: Digests of the stored pictures of all rows of the array, int64 [all rows, 2].
            view: Number of the view.
            array: Activations, [all rows, ...].
            rows: Rows to append, int64, whose pictures are not cached in this view.

        Returns:
            Number of rows that were appended.
        """
        free = self._limit // (self._row_bytes + KEY_BYTES) - len(self._keys)
        if len(rows) > free:
            rows = rows[: max(free, 0)]
            (self._folder.parent / FULL_FILE).touch()
        keys = _keys(digests[rows], view)
        parts = (np.ascontiguousarray(array[part], DTYPE) for part in self._parts(rows))
        _append(self._path(ACTIVATIONS_FILE), parts)
        _append(self._path(KEYS_FILE), [keys])
        self._set_keys(np.concatenate([self._keys, keys]))
        return len(rows)

    def _set_keys(self, keys: npt.NDArray[np.bytes_]) -> None:
        """Set the keys of all rows, bytes [rows], and sort them."""
        self._keys = keys
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]

    def _parts(self, rows: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
        """Divide rows into parts whose activations take about `COPY_BYTES`."""
        size = max(1, COPY_BYTES // self._row_bytes)
        return [rows[first : first + size] for first in range(0, len(rows), size)]

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


def write_limit(folder: Path, limit: int) -> None:
    """Set the disk that the next trainings may use; created with its folder if it is missing.

    It is in a file and no option of a training: it changes no model, so another limit must not
    train again what TFX's cache has.

    Args:
        folder: Folder of all caches.
        limit: Most bytes on disk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(folder / LIMIT_FILE, f"{limit}\n")


def read_limit(folder: str) -> int:
    """Return the most bytes on disk that a training may use.

    Args:
        folder: Folder of all caches.

    Raises:
        UnavailableError: The file with the limit is missing or damaged.
    """
    path = Path(folder, LIMIT_FILE)
    with reading(path, "limit of the activations", "Run the command again, which writes it."):
        return int(path.read_text())


def remove_full_cache(folder: str) -> None:
    """Remove all caches of a folder in which the last training had no room for its rows.

    Otherwise pictures that are not trained on any more would keep out those that are. It is called
    before a training.

    Args:
        folder: Folder of all caches.
    """
    full = Path(folder, FULL_FILE)
    if not full.exists():
        return
    for cache in Path(folder).iterdir():  # not the folder: it may be a link to another disk
        if cache.is_dir() and not cache.is_symlink():
            shutil.rmtree(cache)
    full.unlink()


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


def _keys(digests: npt.NDArray[np.int64], view: int) -> npt.NDArray[np.bytes_]:
    """Return the key of every picture in one view, bytes [rows] of `KEY_BYTES`."""
    keys = np.empty((len(digests), KEY_BYTES), np.uint8)
    keys[:, :DIGEST_BYTES] = np.ascontiguousarray(digests).view(np.uint8)
    keys[:, DIGEST_BYTES:] = np.frombuffer(view.to_bytes(KEY_BYTES - DIGEST_BYTES, "big"), np.uint8)
    return keys.view(f"S{KEY_BYTES}")[:, 0]


def _append(path: Path, parts: Iterable[npt.NDArray[np.generic]]) -> None:
    with path.open("ab") as file:
        for part in parts:
            file.write(part.tobytes())
        file.flush()
        os.fsync(file.fileno())
