"""The pictures that a path may mean: in records, in batches, and the file itself."""

import os
import posixpath
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.forgetting.forget_request import ForgetRequest
from pipeline.forgetting.forgotten_pictures import content_digest, encoded
from pipeline.forgetting.picture_records import Records, read_records, stored_batches
from pipeline.inputs.manifest import MANIFEST_SUFFIXES
from pipeline.retraining.batch import Batch
from pipeline.retraining.deliveries.batch_store import BatchRow
from pipeline.retraining.pictures.picture_updates import content_of, is_usable
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import is_uri, locate
from trainer_module.contract.output_text.wording import listed


@dataclass(frozen=True)
class NamedPicture:
    """A picture that a path may mean.

    Attributes:
        place: Absolute path or URI of its file; a file that was changed since is the same place.
        name: What names it and no other, for messages.
        content: Digest of the file; None where it was not read.
        location: Its location or image id in the source; "" for the file itself.
    """

    place: str
    name: str
    content: bytes | None
    location: bytes


def named_by_path(
    request: ForgetRequest, workspace: Workspace, by_stem: bool
) -> list[NamedPicture]:
    """Return all that a workspace says of the picture at a path, and the file itself.

    Args:
        request: Request with a path: absolute, in a delivery, or as reports show it.
        workspace: Workspace to search.
        by_stem: See `read_records`.

    Raises:
        InputError: The path means several pictures, or the file cannot be read.
        UnavailableError: The list of a version or of a batch is damaged.
    """
    paths = {request.value}
    if not is_uri(request.value):
        absolute = os.path.abspath(request.value)  # noqa: PTH100 (a link keeps its name)
        paths |= {absolute, os.path.realpath(request.value)}
    found = [
        *(
            one
            for records in read_records(workspace, by_stem)
            for one in _in_records(records, paths, workspace)
        ),
        *_in_batches(request.value, paths, workspace),
        *_file_itself(request),
    ]
    _check_is_one(request, found)
    return found


def full_names(batch: Batch, row: BatchRow) -> set[str]:
    """Return the paths by which a picture of a batch is known beside its name in the delivery."""
    name, source = row["name"], batch.source
    is_manifest = source.lower().endswith(MANIFEST_SUFFIXES)
    folder = posixpath.dirname(source) if is_manifest else source
    return {row["path"], f"{batch.name}/{name}", locate(folder, name)}


def relative_ids(paths: Collection[str], roots: Collection[str]) -> set[str]:
    """Return what paths are called relative to the roots that they are in."""
    return {
        path[len(root) + 1 :] for root in roots for path in paths if path.startswith(f"{root}/")
    }


def _in_records(records: Records, paths: set[str], workspace: Workspace) -> Iterator[NamedPicture]:
    """Yield the records of the picture; their paths count from the root of their own run."""
    roots = sorted(records.roots or {str(workspace.root)})
    wanted = set(map(encoded, paths | relative_ids(paths, roots)))
    locations = records.table["location"]
    # A manifest may climb out of its folder: such paths are resolved, and are few.
    may_be = pc.or_(
        pc.is_in(locations, value_set=pa.array(sorted(wanted), pa.binary())),
        pc.match_substring(locations, "../"),
    )
    for row in records.table.filter(may_be).to_pylist():
        image_id = row["location"].decode("utf-8", "surrogateescape")
        places = [_resolved(locate(root, image_id)) for root in roots]
        place = next((one for one in places if one in paths), None)
        if place or row["location"] in wanted:
            place = place or places[0]
            yield NamedPicture(place, place, row["content"], row["location"])


def _resolved(place: str) -> str:
    """Return a path without `..`; links in it keep their names."""
    return place if is_uri(place) else os.path.normpath(place)


def _in_batches(value: str, paths: set[str], workspace: Workspace) -> Iterator[NamedPicture]:
    found: list[tuple[Batch, BatchRow]] = []
    for batch, rows in stored_batches(workspace):
        for row in rows:
            if row["name"] == value or not paths.isdisjoint(full_names(batch, row)):
                found.append((batch, row))
    names = [f"{batch.name}/{row['name']}" for batch, row in found]
    for name, (batch, row) in zip(names, found, strict=True):
        if names.count(name) > 1 or name == value:
            name = f"{row['path']} (delivery {batch.number}, {batch.name})"
        content = content_of(row) if is_usable(row) else None
        place = locate(str(workspace.root), row["path"])
        yield NamedPicture(place, name, content, encoded(row["path"]))


def _file_itself(request: ForgetRequest) -> Iterator[NamedPicture]:
    file = request.file
    if file is None:
        return
    try:
        digest = content_digest(file)
    except OSError as error:
        raise InputError(
            f"{request} cannot be read: {error.strerror}. Make the file readable for this user."
        ) from None
    path = str(Path.cwd() / file)
    yield NamedPicture(os.path.abspath(path), path, digest, b"")  # noqa: PTH100


def _check_is_one(request: ForgetRequest, found: list[NamedPicture]) -> None:
    """Refuse a path that means several pictures. Those of one file that was changed are one."""
    contents = {one.content for one in found if one.content is not None}
    known = [one for one in found if one.content is not None]
    if len(contents) > 1 and len({one.place for one in known}) > 1:
        by_place = {one.place: one.name for one in known}
        names = listed(sorted(set(by_place.values())))
        raise InputError(f"{request}: several pictures have this name. Give one of: {names}.")
