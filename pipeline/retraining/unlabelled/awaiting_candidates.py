"""Candidates that await labels: which pictures can test them, and the run that decides."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from components.pusher.version_store import VersionStore
from pipeline import component_ids
from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot, write_listing
from pipeline.retraining.batch import Batch
from pipeline.retraining.deliveries.batch_store import BatchRow
from pipeline.retraining.pictures.readable_pictures import check_readable
from pipeline.summary.run_outputs import candidate_uri, read_outputs
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace
from trainer_module.contract import example_features
from trainer_module.contract.errors import InputError
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.printable_names import printable_name

if TYPE_CHECKING:
    from pipeline.retraining.pictures.known_pictures import KnownPictures
    from pipeline.retraining.training_set import TrainingSet


class CandidateGoneError(Exception):
    """A candidate cannot be decided on any more."""


@dataclass(frozen=True)
class StoredCandidate:
    """A candidate that awaits labels.

    Attributes:
        run_id: Id of its run.
        domains: Domains whose labels decide on it.
        model: URI of its Model artifact.
        listing: Path of the listing of its run.
        slice_values: Path of the values of slices of its run; None without slices.
        catalog: URI of the catalog of its run, which has the splits of all pictures.
        unlabelled: Path of the list of the unlabelled pictures that it was trained on; None
            without any.
    """

    run_id: str
    domains: tuple[str, ...]
    model: str
    listing: Path
    slice_values: Path | None
    catalog: str
    unlabelled: Path | None

    @classmethod
    def find(cls, batch: Batch, workspace: Workspace, versions: VersionStore) -> "StoredCandidate":
        """Find the candidate of a batch.

        Args:
            batch: Batch with awaited domains.
            workspace: Workspace of the candidate.
            versions: Versions of the model.

        Raises:
            CandidateGoneError: Files of its run are missing or damaged, or it was compared with
                another version than the serving version.
        """
        run = f"run {batch.run_id}"
        try:
            folder = workspace.runs / str(batch.run_id)
            summary = Summary.read(folder)
            outputs = read_outputs(folder)
            model = candidate_uri(outputs)
            catalog = outputs[component_ids.IMAGE_EXAMPLE_GEN]["catalog"]
        except (InputError, KeyError) as error:
            raise CandidateGoneError(f"{run}: {error}") from None
        serving = versions.newest()
        if summary.baseline_version != serving:
            raise CandidateGoneError(
                f"{run} was compared with version {summary.baseline_version}, and version {serving}"
                " is the serving version now"
            )
        listing = workspace.inputs / summary.listing
        slice_values = workspace.inputs / summary.slice_values if summary.slice_values else None
        unlabelled = workspace.inputs / summary.unlabelled if summary.unlabelled else None
        for path in (Path(model), Path(catalog), listing, slice_values, unlabelled):
            if path and not path.exists():
                raise CandidateGoneError(f"{run}: {path} is missing")
        domains = tuple(batch.awaited_domains)
        return cls(summary.run_id, domains, model, listing, slice_values, catalog, unlabelled)


def deciding_rows(
    domains: Iterable[str],
    pictures: "TrainingSet",
    config: RunConfig,
    candidate: StoredCandidate | None = None,
) -> list[BatchRow]:
    """Return the labelled pictures that can test a candidate, one row of each.

    No candidate was trained on them. A picture with several labels decides nothing.

    Args:
        domains: Names of the domains.
        pictures: Pictures of the batch, and those that wait for a training.
        config: Configuration of the retraining.
        candidate: Candidate whose pictures are left out, too: shares of splits may have changed
            since its run. None to go by the splits alone.
    """
    from pipeline.retraining.pictures.picture_updates import content_of, is_usable
    from pipeline.retraining.unlabelled.held_out_pictures import held_out_rows, rows_to_test_with
    from pipeline.retraining.unlabelled.unlabelled_examples import read_list

    names = set(domains)
    labelled = [
        row
        for rows in pictures.newest.new.values()
        for row in rows
        if row["label"] and row["domain"] in names
    ]
    listing = pictures.listing_rows(config)
    labelled = with_known_classes(labelled, listing.known)
    copies: dict[bytes, list[BatchRow]] = defaultdict(list)
    for row in rows_to_test_with(held_out_rows(labelled, listing, config.split), listing):
        copies[content_of(row)].append(row)
    seen = set(pictures.conflicts)
    if candidate:
        paths = {row["path"] for row in read_listing(candidate.listing)}
        delivered = (row for row in pictures.delivered if is_usable(row))
        seen |= {content_of(row) for row in delivered if row["path"] in paths}
        seen |= read_list(candidate.unlabelled) if candidate.unlabelled else set()
    return [
        rows[0]
        for content, rows in copies.items()
        if content not in seen and len({(row["domain"], row["label"]) for row in rows}) == 1
    ]


def with_known_classes(rows: Iterable[BatchRow], known: "KnownPictures | None") -> list[BatchRow]:
    """Return the labelled rows whose class a candidate for a domain without labels can predict.

    It has learnt the classes of the serving version.

    Args:
        rows: Rows with labels.
        known: Pictures of the serving version; None or no picture where they are not known: then
            all rows are returned.
    """
    classes = {row["label"] for row in known.rows} if known else set()
    return [row for row in rows if not classes or row["label"] in classes]


def deciding_snapshot(
    candidate: StoredCandidate,
    rows: list[BatchRow],
    pictures: "TrainingSet",
    config: RunConfig,
) -> Snapshot:
    """Write the listing of the run that decides: that of the candidate's run, and test pictures.

    Args:
        candidate: The candidate.
        rows: Labelled pictures that decide.
        pictures: Pictures of the candidate's batch.
        config: Configuration of the retraining.

    Raises:
        UnavailableError: The files of known pictures are unavailable.
    """
    from components.evaluation.predictions.slice_values import read_slice_values

    listing = pictures.listing_rows(config)
    listed = listing.of_listing(read_listing(candidate.listing))
    check_readable(listed, config.validation)
    _add_splits(listed, candidate.catalog)
    if candidate.slice_values:
        ids = {row["path"].encode("utf-8", "surrogateescape"): row for row in listed}
        for image_id, values in read_slice_values(str(candidate.slice_values), ids).items():
            ids[image_id]["slices"] = values
    tested: list[BatchRow] = [{**row, "split": "test"} for row in rows]
    snapshot = write_listing(
        listed + listing.of_new(tested, []),
        str(pictures.workspace.root),
        pictures.batch.name,
        pictures.workspace.inputs,
        config.slice_columns,
    )
    return replace(
        snapshot,
        batch=pictures.batch.digest,
        batch_name=printable_name(pictures.batch.name),
        candidate=candidate.model,
    )


def _add_splits(rows: list[ListingRow], catalog: str) -> None:
    """Add the splits of a run to rows without one: with further pictures, some could be others."""
    from components.image_example_gen.catalog import read_catalog

    splits: dict[str, str] = {}
    for part in read_catalog(catalog, [example_features.IMAGE_ID, "split"]):
        for row in part.to_pylist():
            image_id = row[example_features.IMAGE_ID].decode("utf-8", "surrogateescape")
            splits[image_id] = row["split"]
    for listed in rows:
        if "split" not in listed and listed["path"] in splits:
            listed["split"] = splits[listed["path"]]


def read_listing(path: Path) -> list[ListingRow]:
    """Return the rows of a listing, see `Snapshot.path`."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
