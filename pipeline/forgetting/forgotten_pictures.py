"""The pictures to forget: what they are known by in a workspace."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.retraining.deliveries.batch_store import BatchRow
from pipeline.retraining.pictures.picture_updates import content_of, is_usable
from trainer_module.contract.file_digest import file_digest
from trainer_module.contract.listing_row import DIGEST_BYTES

#: What is left of a name in a text.
FORGOTTEN = "(forgotten)"


@dataclass(frozen=True)
class ForgottenPictures:
    """Pictures to forget.

    Attributes:
        contents: Digests of their files, 16 bytes each. Every copy of them is forgotten.
        locations: Their locations and image ids in listings, catalogs and lists of versions. Files
            that were unusable are known by these alone.
        names: Names in their deliveries, and locations, as messages have them.
    """

    contents: frozenset[bytes] = frozenset()
    locations: frozenset[bytes] = frozenset()
    names: frozenset[str] = frozenset()

    def __or__(self, other: "ForgottenPictures") -> "ForgottenPictures":
        """Return the pictures of both."""
        return ForgottenPictures(
            self.contents | other.contents,
            self.locations | other.locations,
            self.names | other.names,
        )

    def includes_row(self, row: BatchRow) -> bool:
        """Return whether a row of a batch is one of the pictures."""
        if is_usable(row):
            return content_of(row) in self.contents
        return encoded(row["path"]) in self.locations

    def without_names(self, value: Any) -> Any:
        """Return a JSON value with `FORGOTTEN` in place of the names in its texts.

        Args:
            value: Text, number, list or dictionary, as `json.loads` returns it. Keys stay.
        """
        if isinstance(value, str):
            return self._without_names(value)
        if isinstance(value, list):
            return [self.without_names(one) for one in value]
        if isinstance(value, dict):
            return {key: self.without_names(one) for key, one in value.items()}
        return value

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted({len(name) for name in self.names if _is_path_like(name)}, reverse=True)

    def _without_names(self, text: str) -> str:
        """Look for names of every length at the start of every word: names may be a million."""
        parts, done = [], 0
        for match in re.finditer(r"(?<!\w)\S", text):
            start = match.start()
            if start < done:
                continue
            for length in self._lengths:
                end = start + length
                if text[start:end] in self.names and _is_whole(text, start, end):
                    parts += [text[done:start], FORGOTTEN]
                    done = end
                    break
        return "".join([*parts, text[done:]])


def _is_path_like(name: str) -> bool:
    """Return whether a text is more than a word, such as `cat`, which may mean anything."""
    return "/" in name or "." in name


def _is_whole(text: str, start: int, end: int) -> bool:
    """Return whether a part of a text is a path, and not the name at the end of another path."""
    found = text[start:end]
    is_end_of_path = "/" not in found and text[:start].endswith("/")
    return _is_path_like(found) and not is_end_of_path and not text[end : end + 1].isalnum()


def encoded(location: str) -> bytes:
    """Return a path as catalogs and lists of versions have it."""
    return location.encode("utf-8", "surrogateescape")


def decoded(locations: Iterable[bytes]) -> set[str]:
    """Return paths of catalogs and lists of versions as texts."""
    return {one.decode("utf-8", "surrogateescape") for one in locations}


def content_digest(file: Path) -> bytes:
    """Return the digest of a file, as `ForgottenPictures.contents` has it."""
    return bytes.fromhex(file_digest(file))[:DIGEST_BYTES]
