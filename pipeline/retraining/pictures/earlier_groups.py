"""Groups of pictures of versions that were pushed before groups were kept with a version."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

from components.image_example_gen.catalog import read_catalog
from components.image_example_gen.splits import name_digest
from components.pusher.data_set import location_of
from components.pusher.version_store import Push, VersionStore
from pipeline import component_ids
from pipeline.summary.run_outputs import read_outputs
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace
from trainer_module.contract import example_features
from trainer_module.contract.errors import InputError

_logger = logging.getLogger("carryover.retraining")


def find_earlier_groups(model: Path, workspace: Workspace) -> dict[bytes, bytes]:
    """Find groups in what the runs of a version and of its baselines left in the workspace.

    The catalogs of these runs have the groups; where one was deleted, the listings of pictures have
    the names of those groups that a manifest named. The oldest run that read a picture wins: it is
    the one that had its manifest.

    Args:
        model: Folder of the version.
        workspace: Workspace of the version.

    Returns:
        Digest of the group by location, see `DataSetRow`. Pictures of which nothing is left are
        missing.
    """
    groups: dict[bytes, bytes] = {}
    for push in _lineage(VersionStore(workspace.root, model.parent.name), model):
        groups |= _groups_of_run(workspace, workspace.runs / push.run_id)
    return groups


def _lineage(store: VersionStore, model: Path) -> Iterator[Push]:
    """Yield the record of a version, that of its baseline, and so on, as far as they are known."""
    pushes = {number: push for number, push, _ in store.pushes()}
    version = int(model.name) if model.name.isdecimal() else None
    while version in pushes:
        push = pushes.pop(version)
        yield push
        version = push.baseline_version


def _groups_of_run(workspace: Workspace, run: Path) -> dict[bytes, bytes]:
    if not (run / "summary.json").exists():
        return {}
    try:
        data_root = workspace.data_root(run.name, Summary.read(run).data_root)
    except InputError as error:
        _logger.warning("groups of run %s are left out: %s", run.name, error)
        return {}
    catalog = _find_catalog(run)
    if catalog is None:
        return _groups_in_listings(workspace, data_root)
    columns = [example_features.IMAGE_ID, "group"]
    return {
        location_of(image_id, data_root, workspace.root): group
        for table in read_catalog(catalog, columns)
        for image_id, group in zip(*(table[name].to_pylist() for name in columns), strict=True)
    }


def _find_catalog(run: Path) -> str | None:
    """Return the URI of the catalog of a run; None if it was deleted or is unknown."""
    try:
        uri = read_outputs(run)[component_ids.IMAGE_EXAMPLE_GEN]["catalog"]
    except (InputError, KeyError):
        return None
    return uri if Path(uri).is_dir() else None


def _groups_in_listings(workspace: Workspace, data_root: str) -> dict[bytes, bytes]:
    """Return the groups that the manifests of earlier runs named, the newest listing last."""
    groups = {}
    listings = workspace.inputs.glob("*.jsonl")
    for listing in sorted(listings, key=lambda path: path.stat().st_mtime):
        try:
            rows = [json.loads(line) for line in listing.read_text().splitlines()]
        except (OSError, ValueError) as error:
            _logger.warning("groups in %s are left out: the file is damaged: %s", listing, error)
            continue
        for row in rows:
            if "group" in row:
                image_id = row["path"].encode("utf-8", "surrogateescape")
                group = name_digest(row["group"])
                groups[location_of(image_id, data_root, workspace.root)] = group
    return groups
