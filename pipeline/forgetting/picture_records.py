"""All that says which picture is where: lists of versions, catalogs, batches, listings."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from components.image_example_gen.catalog import read_catalog
from components.image_example_gen.splits import name_digest
from components.pusher.data_set import read_data_set
from pipeline import component_ids
from pipeline.forgetting.forgotten_pictures import encoded
from pipeline.retention.kept_state import list_runs
from pipeline.retraining.batch import Batch, has_pictures
from pipeline.retraining.deliveries.batch_store import BatchRow, BatchStore
from pipeline.retraining.ledger import read_batches
from pipeline.retraining.pictures.known_pictures import stem_of
from pipeline.retraining.pictures.picture_updates import content_of, is_usable
from pipeline.retraining.pictures.replaced_batches import stored_rows
from pipeline.summary.run_outputs import read_outputs
from pipeline.summary.summary_schema import Summary
from pipeline.version_lookup import find_stores
from pipeline.workspace import Workspace
from trainer_module.contract import example_features
from trainer_module.contract.errors import InputError

#: Columns of a table of records: where a picture is, and the digests of its file and of its group.
SCHEMA = pa.schema(
    [("location", pa.binary()), ("content", pa.binary(16)), ("group", pa.binary(16))]
)

_CATALOG_COLUMNS = [example_features.IMAGE_ID, "content", "group"]


@dataclass(frozen=True)
class Records:
    """Records of one source.

    Attributes:
        table: Table of `SCHEMA`.
        roots: Folders and URIs of the runs that its locations are relative to; none where they are
            absolute, or relative to the workspace.
    """

    table: pa.Table
    roots: frozenset[str] = frozenset()


def version_folders(workspace: Workspace) -> Iterator[Path]:
    """Yield the folders of all versions that are there in whole, served or rolled back."""
    for store in find_stores(workspace.root):
        yield from (store.path(number) for number in store.versions())
        yield from (store.rolled_back / str(number) for number in store.rolled_back_versions())


def read_records(workspace: Workspace, by_stem: bool) -> Iterator[Records]:
    """Yield the records of all sources. `content` is null where a file was not read.

    Args:
        workspace: Workspace to read.
        by_stem: Whether pictures without a group belong to that of the stem of their name.

    Raises:
        UnavailableError: The list of a version or of a batch is damaged.
    """
    for folder in version_folders(workspace):
        table = read_data_set(folder)
        if table is not None:
            yield Records(table.select(SCHEMA.names))
    roots = _roots_by_file(workspace)
    for catalog in sorted(workspace.artifacts.glob("*/catalog/*")):
        for part in _catalog_records(catalog):
            yield Records(part, frozenset(roots[catalog]))
    for _, rows in stored_batches(workspace):
        yield Records(_batch_records(rows, by_stem))
    for listing in sorted(workspace.inputs.glob("*.jsonl")):
        yield Records(_listing_records(listing), frozenset(roots[listing]))


def data_roots(workspace: Workspace) -> set[str]:
    """Return the folders and URIs that the image ids of runs are relative to."""
    return set(_roots_by_run(workspace).values())


def _roots_by_run(workspace: Workspace) -> dict[str, str]:
    roots = {}
    for run_id in list_runs(workspace):
        try:
            recorded = Summary.read(workspace.runs / run_id).data_root
            roots[run_id] = workspace.data_root(run_id, recorded)
        except InputError:  # it has not ended
            continue
    return {run_id: root for run_id, root in roots.items() if root}


def _roots_by_file(workspace: Workspace) -> defaultdict[Path, set[str]]:
    """Return the data roots of the runs by their catalogs and listings."""
    found: defaultdict[Path, set[str]] = defaultdict(set)
    for run_id, root in _roots_by_run(workspace).items():
        folder = workspace.runs / run_id
        found[workspace.inputs / Summary.read(folder).listing].add(root)
        try:
            outputs = read_outputs(folder).get(component_ids.IMAGE_EXAMPLE_GEN, {})
        except InputError:  # nothing is left of its artifacts
            continue
        if "catalog" in outputs:
            found[Path(outputs["catalog"])].add(root)
    return found


def stored_batches(workspace: Workspace) -> Iterator[tuple[Batch, list[BatchRow]]]:
    """Yield the batches of the ledger that have pictures, with their rows.

    Raises:
        UnavailableError: The listing of a batch is damaged.
    """
    store = BatchStore(workspace.batches)
    for batch in read_batches(workspace.root):
        if has_pictures(batch) and store.contains(batch.digest):
            yield batch, stored_rows(batch, store)


def groups_by_stem(workspace: Workspace) -> bool:
    """Return whether the run of a serving version groups pictures by the stems of their names."""
    for store in find_stores(workspace.root):
        newest = store.newest()
        try:
            if newest is not None:
                config = workspace.read_config(store.read_push(newest).run_id)
                if (config.get("split") or {}).get("group_by") == "stem":
                    return True
        except InputError:  # the catalogs have the groups of all pictures that were in a run
            continue
    return False


def read_listing(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a listing. One that was cut off ends where it was cut."""
    with path.open("rb") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                return


def _catalog_records(catalog: Path) -> Iterator[pa.Table]:
    try:
        for part in read_catalog(str(catalog), _CATALOG_COLUMNS):
            yield part.rename_columns(SCHEMA.names).cast(SCHEMA)
    except (OSError, ValueError):
        return  # left by a killed run, whose artifacts are removed in any case


def _batch_records(rows: list[BatchRow], by_stem: bool) -> pa.Table:
    columns = (
        [encoded(row["path"]) for row in rows],
        [content_of(row) if is_usable(row) else None for row in rows],
        [_group(row, by_stem) for row in rows],
    )
    return pa.table(
        [pa.array(one, kind) for one, kind in zip(columns, SCHEMA.types, strict=True)], SCHEMA.names
    )


def _group(row: BatchRow, by_stem: bool) -> bytes | None:
    if "group" in row:
        return name_digest(row["group"])
    return name_digest(stem_of(row["name"])) if by_stem else None


def _listing_records(listing: Path) -> pa.Table:
    rows = list(read_listing(listing))
    groups = [name_digest(row["group"]) if "group" in row else None for row in rows]
    locations = pa.array([encoded(row["path"]) for row in rows], pa.binary())
    nothing = pa.nulls(len(rows), pa.binary(16))
    return pa.table([locations, nothing, pa.array(groups, pa.binary(16))], SCHEMA.names)
