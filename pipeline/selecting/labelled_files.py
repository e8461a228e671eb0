"""Contents of files that have a label where they lie, and are not in the workspace yet."""

import os

from pipeline.inputs.allowed_roots import AllowedRoots
from pipeline.selecting.unlabelled_pictures import FoundPictures
from trainer_module.contract.locations import is_uri


def read_labelled(found: FoundPictures, max_file_bytes: int | None) -> set[bytes]:
    """Return the digests of labelled files that may be copies of unlabelled ones, 16 bytes each.

    Only files of the size of an unlabelled picture are read, and none of other machines.

    Args:
        found: Pictures that were found.
        max_file_bytes: Size above which a file is not read; None for any.
    """
    sizes = {_size(picture.location) for picture in found.pictures} - {None}
    contents = (
        _content(location, roots, max_file_bytes)
        for location, roots in found.labelled
        if _size(location) in sizes
    )
    return {content for content in contents if content is not None}


def _size(location: str) -> int | None:
    """Return the size of a local file; None for one of another machine, or that is gone."""
    if is_uri(location):
        return None
    try:
        return os.stat(location).st_size  # noqa: PTH116 (names may not be UTF-8)
    except OSError:
        return None


def _content(location: str, roots: AllowedRoots | None, max_bytes: int | None) -> bytes | None:
    from components.image_example_gen.ingestion import read_file
    from components.image_example_gen.picture_reader import UnusablePictureError
    from components.image_example_gen.splits import digest

    try:
        return digest(read_file(location, max_bytes, roots.find_fault if roots else None).content)
    except (OSError, UnusablePictureError):
        return None  # it cannot be compared: the labelled picture itself is not asked for
