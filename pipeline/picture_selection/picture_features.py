"""Predictions, embeddings and hashes of pictures that may be chosen, in one pass over the files."""

import os
from collections.abc import Callable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.image_example_gen.ingestion import REMOTE_THREADS, map_ahead, read_file
from components.image_example_gen.picture_reader import UnusablePictureError, read_picture
from components.image_example_gen.picture_statistics import HASH_SIZE, perceptual_hashes
from components.image_example_gen.splits import digest
from pipeline.picture_selection.unlabelled_picture import UnlabelledPicture
from trainer_module.contract.locations import is_uri
from trainer_module.export.saved_model_classifier import BATCH_SIZE, SavedModelClassifier

#: Bytes of a perceptual hash.
HASH_BYTES = HASH_SIZE**2 // 8


@dataclass(frozen=True)
class PictureFeatures:
    """What the serving model says of pictures, one row per picture.

    Attributes:
        pictures: Pictures that can be read, each content once.
        labels: Predicted classes.
        probabilities: Probabilities of all classes, float32 [rows, classes].
        embeddings: Embeddings, float16 [rows, dim]: 2.5 kB per picture for 1,280 dimensions.
        hashes: Perceptual hashes, uint8 [rows, `HASH_BYTES`].
        num_known: Number of other pictures whose label is known.
        num_copies: Number of other pictures with the content of an earlier one.
        unusable: Names of pictures that cannot be read, with the reasons.
    """

    pictures: list[UnlabelledPicture]
    labels: list[str]
    probabilities: npt.NDArray[np.float32]
    embeddings: npt.NDArray[np.float16]
    hashes: npt.NDArray[np.uint8]
    num_known: int
    num_copies: int
    unusable: list[tuple[str, str]]


@dataclass(frozen=True)
class _ReadPicture:
    """A picture whose file was read.

    Attributes:
        picture: The picture.
        content: Digest of the file.
        encoded: What the model gets; empty for a file that is not needed.
        thumbnail: Thumbnail; None for a file that is not needed.
        reason: Reason why the file is unusable; "" if it is usable.
    """

    picture: UnlabelledPicture
    content: bytes = b""
    encoded: bytes = b""
    thumbnail: npt.NDArray[np.uint8] | None = None
    reason: str = ""


def read_features(
    pictures: list[UnlabelledPicture],
    model: Path,
    known: Set[bytes],
    max_file_bytes: int | None = None,
    advance: Callable[[int], object] | None = None,
) -> PictureFeatures:
    """Read pictures, and call the serving model on those that are needed.

    Besides the features, one batch of pictures is in memory at a time.

    Args:
        pictures: Pictures, in the order of their rows.
        model: Folder of the serving version.
        known: Digests of files whose label is known.
        max_file_bytes: Size of a file, in bytes, above which it is unusable. None for any.
        advance: Function that is called with the number of pictures that were done; None for none.

    Raises:
        UnavailableError: A file of the serving version is missing or damaged.
    """
    return _FeatureReader(pictures, model, known, max_file_bytes).run(advance)


class _FeatureReader:
    """The state of one pass."""

    def __init__(
        self,
        pictures: list[UnlabelledPicture],
        model: Path,
        known: Set[bytes],
        max_file_bytes: int | None,
    ) -> None:
        self._todo = pictures
        self._model = model
        self._known = known
        self._max_file_bytes = max_file_bytes
        self._pictures: list[UnlabelledPicture] = []
        self._labels: list[str] = []
        self._probabilities: list[npt.NDArray[np.float32]] = []
        self._embeddings: list[npt.NDArray[np.float16]] = []
        self._hashes: list[bytes] = []
        self._seen: set[bytes] = set()
        self._num_known = 0
        self._num_copies = 0
        self._unusable: list[tuple[str, str]] = []

    def run(self, advance: Callable[[int], object] | None) -> PictureFeatures:
        remote = any(is_uri(picture.location) for picture in self._todo)
        classifier = SavedModelClassifier(self._model)
        with ThreadPoolExecutor(REMOTE_THREADS if remote else os.cpu_count()) as pool:
            results = map_ahead(pool, self._read, self._todo)
            while batch := list(islice(results, BATCH_SIZE)):
                self._add(list(self._needed(batch)), classifier)
                if advance is not None:
                    advance(len(batch))
        hashes = np.frombuffer(b"".join(self._hashes), np.uint8).reshape(-1, HASH_BYTES)
        return PictureFeatures(
            self._pictures,
            self._labels,
            _joined(self._probabilities, np.float32),
            _joined(self._embeddings, np.float16),
            hashes,
            self._num_known,
            self._num_copies,
            self._unusable,
        )

    def _read(self, picture: UnlabelledPicture) -> _ReadPicture:
        """Read a file; one whose label is known is not decoded."""
        try:
            find_fault = picture.roots.find_fault if picture.roots else None
            content = read_file(picture.location, self._max_file_bytes, find_fault).content
            found = digest(content)
            if found in self._known:
                return _ReadPicture(picture, found)
            read = read_picture(content)
        except UnusablePictureError as reason:
            return _ReadPicture(picture, reason=str(reason))
        return _ReadPicture(picture, found, read.encoded, read.thumbnail)

    def _needed(self, batch: list[_ReadPicture]) -> Iterator[_ReadPicture]:
        """Yield the pictures to call the model on, and count the others."""
        for read in batch:
            if read.reason:
                self._unusable.append((read.picture.name, read.reason))
            elif read.content in self._known:
                self._num_known += 1
            elif read.content in self._seen:
                self._num_copies += 1
            else:
                self._seen.add(read.content)
                yield read

    def _add(self, batch: list[_ReadPicture], classifier: SavedModelClassifier) -> None:
        """Add the rows of some pictures."""
        if not batch:
            return
        predictions, embeddings = classifier.predict_and_embed([read.encoded for read in batch])
        self._pictures += [read.picture for read in batch]
        self._labels += predictions.labels
        self._probabilities.append(predictions.probabilities)
        self._embeddings.append(embeddings.astype(np.float16))
        thumbnails = [read.thumbnail for read in batch if read.thumbnail is not None]
        self._hashes += perceptual_hashes(np.stack(thumbnails))


def _joined(parts: list[npt.NDArray[Any]], kind: type) -> npt.NDArray[Any]:
    """Return one array of parts, which are dropped one by one: both are never in memory at once."""
    if not parts:
        return np.empty((0, 0), kind)
    joined = np.empty((sum(map(len, parts)), parts[0].shape[1]), kind)
    end = len(joined)
    while parts:
        part = parts.pop()
        joined[end - len(part) : end] = part
        end -= len(part)
    return joined
