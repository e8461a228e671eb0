"""Finds the pictures that a request names, and all their copies in a workspace."""

from collections.abc import Collection, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from components.image_example_gen.splits import name_digests
from pipeline.forgetting.forget_request import ForgetRequest
from pipeline.forgetting.forgotten_pictures import ForgottenPictures, decoded, encoded
from pipeline.forgetting.named_pictures import full_names, named_by_path, relative_ids
from pipeline.forgetting.picture_records import (
    data_roots,
    groups_by_stem,
    read_records,
    stored_batches,
)
from pipeline.retraining.pictures.picture_updates import content_of, is_usable
from pipeline.workspace import Workspace
from trainer_module.contract.locations import locate
from trainer_module.contract.printable_names import printable_name


def find_pictures(request: ForgetRequest, workspace: Workspace) -> ForgottenPictures:
    """Find the pictures that a request names, in all that a workspace says of pictures.

    A picture is its content: every copy of it is found, under whatever name and in whatever batch.

    Args:
        request: What to forget.
        workspace: Workspace to search.

    Returns:
        The pictures. Without contents and locations if nothing in the workspace is known by the
        name; the content of a file that the request names is always among them, as clients may have
        sent it.

    Raises:
        InputError: A name means several different pictures, or there is no such batch.
        UnavailableError: The list of a version or of a batch is damaged.
    """
    by_stem = groups_by_stem(workspace)
    found = list(_requested(request, workspace, by_stem))
    contents = {content for _, content in found if content is not None}
    locations = {location for location, _ in found if location}
    for table in _matching(workspace, by_stem, "content", contents):
        locations.update(table["location"].to_pylist())
    # Catalogs have both, but those of runs that have read another forgotten picture are gone.
    paths = {locate(str(workspace.root), one) for one in decoded(locations)}
    locations.update(map(encoded, relative_ids(paths, data_roots(workspace))))
    pictures = ForgottenPictures(frozenset(contents), frozenset(locations))
    return pictures | ForgottenPictures(names=frozenset(_names(pictures, workspace)))


def _matching(
    workspace: Workspace, by_stem: bool, column: str, values: Collection[bytes]
) -> Iterator[pa.Table]:
    """Yield the records of a workspace with one of some values in a column."""
    wanted = pa.array(sorted(values), pa.binary(16))
    for records in read_records(workspace, by_stem) if values else ():
        found = records.table.filter(pc.is_in(records.table[column], value_set=wanted))
        if found.num_rows:
            yield found


def _requested(
    request: ForgetRequest, workspace: Workspace, by_stem: bool
) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield the locations and contents of the pictures that a request names."""
    if request.kind == "path":
        for one in named_by_path(request, workspace, by_stem):
            yield one.location, one.content
    elif request.kind == "group":
        for table in _matching(workspace, by_stem, "group", name_digests(request.value)):
            columns = (table[name].to_pylist() for name in ("location", "content"))
            yield from zip(*columns, strict=True)
    else:
        for batch, rows in stored_batches(workspace):
            for row in rows if batch.name == request.value else ():
                yield encoded(row["path"]), content_of(row) if is_usable(row) else None


def _names(pictures: ForgottenPictures, workspace: Workspace) -> Iterator[str]:
    """Yield the texts by which messages may name the pictures."""
    yield from decoded(pictures.locations)
    for batch, rows in stored_batches(workspace):
        for row in rows:
            if pictures.includes_row(row):
                names = {row["name"], *full_names(batch, row)}
                yield from names.union(map(printable_name, names))
