"""Finds the pictures that a request names, and all their copies in a workspace."""

import os
import posixpath
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from components.image_example_gen.splits import name_digests
from pipeline.forgetting.forget_request import ForgetRequest
from pipeline.forgetting.forgotten_pictures import (
    ForgottenPictures,
    decoded,
    encoded,
    file_digest,
)
from pipeline.forgetting.picture_records import groups_by_stem, read_records, stored_batches
from pipeline.retention.kept_state import list_runs
from pipeline.retraining.batch import Batch
from pipeline.retraining.deliveries.batch_store import BatchRow
from pipeline.retraining.pictures.picture_updates import content_of, is_usable
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import is_uri, locate
from trainer_module.contract.output_text.wording import listed


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
    exact, by_name = _named_rows(request, workspace)
    tables = list(_named_records(request, workspace, by_stem))
    contents = {one for table in tables for one in table["content"].to_pylist()} - {None}
    locations = {one for table in tables for one in table["location"].to_pylist()}
    if not exact:
        _check_is_one(request, by_name, contents)
    rows = exact or list(by_name.values())
    contents.update(content_of(row) for row in rows if is_usable(row))
    locations.update(encoded(row["path"]) for row in rows)
    if file := request.file:
        contents.add(_digest_of(request, file))
    for table in _matching(workspace, by_stem, "content", contents):
        locations.update(table["location"].to_pylist())
    found = ForgottenPictures(frozenset(contents), frozenset(locations))
    return found | ForgottenPictures(names=frozenset(_names(found, workspace)))


def _matching(
    workspace: Workspace, by_stem: bool, column: str, values: Collection[bytes]
) -> Iterator[pa.Table]:
    """Yield the records of a workspace with one of some values in a column."""
    kind = pa.binary() if column == "location" else pa.binary(16)
    wanted = pa.array(sorted(values), kind)
    for table in read_records(workspace, by_stem) if values else ():
        found = table.filter(pc.is_in(table[column], value_set=wanted))
        if found.num_rows:
            yield found


def _named_records(
    request: ForgetRequest, workspace: Workspace, by_stem: bool
) -> Iterator[pa.Table]:
    """Yield the records that a request names by group, or by location."""
    if request.kind == "group":
        yield from _matching(workspace, by_stem, "group", name_digests(request.value))
    elif request.kind == "path":
        ids = _image_ids(request.value, workspace)
        yield from _matching(workspace, by_stem, "location", ids)


def _named_rows(
    request: ForgetRequest, workspace: Workspace
) -> tuple[list[BatchRow], dict[str, BatchRow]]:
    """Return the rows of batches that a request names by batch, or by a path.

    Returns:
        Rows that it names by batch or full path, and those that it names by the path in the
        delivery, by batch and path: other deliveries may have other pictures of that name.
    """
    exact: list[BatchRow] = []
    by_name: dict[str, BatchRow] = {}
    wanted = {request.value, posixpath.abspath(request.value)}
    for batch, rows in stored_batches(workspace) if request.kind != "group" else ():
        for row in rows:
            if request.kind == "batch":
                if batch.name == request.value:
                    exact.append(row)
            elif wanted & _full_names(batch, row):
                exact.append(row)
            elif row["name"] == request.value:
                by_name[f"{batch.name}/{row['name']}"] = row
    return exact, by_name


def _check_is_one(
    request: ForgetRequest, by_name: Mapping[str, BatchRow], contents: set[bytes]
) -> None:
    """Refuse a path in a delivery that means several pictures.

    Args:
        request: The request.
        by_name: Rows that it names by the path in the delivery.
        contents: Contents of the pictures that it names by location.
    """
    others = {content_of(row) for row in by_name.values() if is_usable(row)}
    if by_name and len(others | contents) > 1:
        names = [*sorted(by_name), *(["the whole path of a picture in data"] if contents else [])]
        raise InputError(
            f"{request}: several pictures have this name. Give one of: {listed(names)}."
        )


def _full_names(batch: Batch, row: BatchRow) -> set[str]:
    """Return the paths by which one picture of a batch can be named."""
    name = row["name"]
    folder = batch.source
    names = {row["path"], f"{batch.name}/{name}", locate(folder, name)}
    return names | {locate(posixpath.dirname(folder), name)}  # beside a manifest


def _image_ids(path: str, workspace: Workspace) -> set[bytes]:
    """Return the locations and image ids by which a path may be known."""
    ids = {path}
    if not is_uri(path):
        absolute = os.path.abspath(path)  # noqa: PTH100 (a link keeps its name)
        real = os.path.realpath(path)
        roots = {str(workspace.root), *_data_roots(workspace)}
        for one in (absolute, real):
            ids.add(one)
            ids.update(one.removeprefix(f"{root}/") for root in roots)
    else:
        ids.update(path.removeprefix(f"{root}/") for root in _data_roots(workspace))
    return {encoded(one) for one in ids}


def _data_roots(workspace: Workspace) -> set[str]:
    """Return the folders that the image ids of runs are relative to."""
    roots = set()
    for run_id in list_runs(workspace):
        try:
            recorded = Summary.read(workspace.runs / run_id).data_root
            roots.add(workspace.data_root(run_id, recorded))
        except InputError:  # it has not ended
            continue
    return roots - {""}


def _names(pictures: ForgottenPictures, workspace: Workspace) -> Iterator[str]:
    """Yield the texts by which messages may name the pictures."""
    yield from decoded(pictures.locations)
    for batch, rows in stored_batches(workspace):
        for row in rows:
            if pictures.includes_row(row):
                yield from (row["name"], *_full_names(batch, row))


def _digest_of(request: ForgetRequest, file: Path) -> bytes:
    try:
        return file_digest(file)
    except OSError as error:
        raise InputError(
            f"{request} cannot be read: {error.strerror}. Make the file readable for this user."
        ) from None
