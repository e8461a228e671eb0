"""Runs that have read pictures, and what of their files is removed."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from components.evaluation.predictions.slice_values import SUFFIX
from pipeline.forgetting.forgotten_pictures import ForgottenPictures, encoded
from pipeline.forgetting.picture_records import read_listing
from pipeline.inputs.snapshot import LIST_SUFFIX
from pipeline.retention.kept_state import list_runs
from pipeline.retention.removal import Removal
from pipeline.retraining.unlabelled.unlabelled_examples import PREFIX, read_list
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import BATCH, Workspace
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.errors import InputError
from trainer_module.contract.example_features import IMAGE_ID
from trainer_module.contract.listing_row import DIGEST_BYTES

#: Files of a run that stay: figures and settings. All others may show a picture, or name one.
_LEFT = ("summary.json", "config.yaml", "secrets.yaml", "lasting.yaml", "tensorboard", BATCH)

#: Files that name artifacts or answer for them: they go before what they name.
_NAMING = ("identity", "outputs.json")


def concerned_listings(workspace: Workspace, pictures: ForgottenPictures) -> set[str]:
    """Return the names of the files and folders in `inputs` that hold or name pictures.

    Args:
        workspace: Workspace to search.
        pictures: Pictures to forget.
    """
    found = set()
    for path in workspace.inputs.glob("*"):
        if path.suffix == ".jsonl":
            rows = read_listing(path)
            if any(encoded(row["path"]) in pictures.locations for row in rows):
                found.add(path.name)
        elif path.name.endswith(SUFFIX):
            if not pictures.locations.isdisjoint(_sliced(path)):
                found.add(path.name)
        elif path.name.startswith(PREFIX) and path.suffix == LIST_SUFFIX:
            if read_list(path) & pictures.contents:
                found |= {path.name, path.stem}
        elif path.name.startswith(PREFIX) and not path.with_suffix(LIST_SUFFIX).exists():
            found.add(path.name)  # a draft: what it holds is not known
    return found


@dataclass(frozen=True)
class UnlabelledListCut:
    """Removes pictures from the list of those that a run has trained on without a label.

    The others stay: nothing else tells later which version was trained on them.

    Attributes:
        file: Path of the list.
        lines: Lines that stay.
    """

    file: Path
    lines: list[str]
    kind: str = "listings of pictures"
    count: int = 1

    def size(self) -> int:
        """Return 0: the file stays."""
        return 0

    def carry_out(self) -> None:
        """See `pipeline.retention.removal.Step`."""
        atomic_write(self.file, "".join(f"{line}\n" for line in self.lines))


def cut_unlabelled_lists(
    workspace: Workspace, listings: Collection[str], pictures: ForgottenPictures
) -> Iterator[UnlabelledListCut]:
    """Yield the lists of unlabelled pictures that are cut.

    Args:
        workspace: Workspace of the lists.
        listings: Names of the concerned files in `inputs`.
        pictures: Pictures to forget.
    """
    for name in sorted(filter(is_unlabelled_list, listings)):
        file = workspace.inputs / name
        lines = file.read_text().split()
        left = [one for one in lines if bytes.fromhex(one)[:DIGEST_BYTES] not in pictures.contents]
        yield UnlabelledListCut(file, left)


def is_unlabelled_list(name: str) -> bool:
    """Return whether a file in `inputs` is a list of unlabelled pictures."""
    return name.startswith(PREFIX) and name.endswith(LIST_SUFFIX)


def _sliced(path: Path) -> Iterator[bytes]:
    """Yield the ids of the pictures in a file of slice values."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=[IMAGE_ID]):
            yield from batch[IMAGE_ID].to_pylist()


def concerned_runs(workspace: Workspace, listings: Collection[str]) -> list[str]:
    """Return the runs that have read pictures, and those of which that is not known.

    Args:
        workspace: Workspace to search.
        listings: Names of the concerned files in `inputs`.
    """
    return [run_id for run_id in list_runs(workspace) if _is_concerned(workspace, run_id, listings)]


def runs_of_batches(workspace: Workspace, digests: Collection[str]) -> list[str]:
    """Return the runs that retrained for some batches.

    Args:
        workspace: Workspace to search.
        digests: Digests of the batches.

    Raises:
        UnavailableError: The file with the digest of a run is unreadable.
    """
    return [one for one in list_runs(workspace) if workspace.batch_digest(one) in digests]


def _is_concerned(workspace: Workspace, run_id: str, listings: Collection[str]) -> bool:
    try:
        summary = Summary.read(workspace.runs / run_id)
    except InputError:  # killed, or damaged
        return True
    names = [name for name in (summary.listing, summary.unlabelled) if name]
    is_lost = not names or not all((workspace.inputs / name).exists() for name in names)
    return is_lost or any(name in listings for name in names)


def files_of_runs(workspace: Workspace, runs: Collection[str]) -> Iterator[Removal]:
    """Yield the removals of reports, tables and thumbnails of runs.

    Args:
        workspace: Workspace of the runs.
        runs: Ids of the runs.
    """
    for run_id in runs:
        removal = Removal("reports and tables of runs", workspace.runs / run_id, _LEFT, _NAMING)
        if removal.is_needed:
            yield removal


@dataclass(frozen=True)
class SummaryNamesRemoval:
    """Removes the names of pictures from the texts in the summary of a run.

    Attributes:
        summary: Path of `summary.json`.
        content: Content without the names.
    """

    summary: Path
    content: str
    kind: str = "summaries with names of pictures"
    count: int = 1

    def size(self) -> int:
        """Return 0: the file stays."""
        return 0

    def carry_out(self) -> None:
        """See `pipeline.retention.removal.Step`."""
        atomic_write(self.summary, self.content)


def names_in_summaries(
    workspace: Workspace, runs: Collection[str], pictures: ForgottenPictures
) -> Iterator[SummaryNamesRemoval]:
    """Yield the removals of names from the summaries of runs.

    Args:
        workspace: Workspace of the runs.
        runs: Ids of the runs.
        pictures: Pictures to forget.
    """
    for run_id in runs:
        summary = workspace.runs / run_id / "summary.json"
        try:
            values = json.loads(summary.read_bytes())
        except (OSError, ValueError):
            continue
        left = pictures.without_names(values)
        if left != values:
            yield SummaryNamesRemoval(summary, json.dumps(left, indent=1) + "\n")
