"""Removal of pictures from the folders in which people label those of a batch."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.forgetting.forgotten_pictures import ForgottenPictures, content_digest
from pipeline.forgetting.picture_records import stored_batches
from pipeline.inputs.layouts.unlabelled_names import TO_LABEL
from pipeline.picture_selection.selection_cut import cut_selection
from pipeline.retention.disk_size import freed_bytes
from pipeline.retention.removal import Removal, Step
from pipeline.retention.unneeded_files import is_of_batch
from pipeline.retraining.batch import AWAITING
from pipeline.workspace import Workspace

_KIND = "pictures to label"


@dataclass(frozen=True)
class ToLabelCut:
    """Removes pictures from a folder of pictures to label. The others can still be labelled.

    Attributes:
        folder: Folder of the pictures of a batch.
        paths: Paths of those to remove, relative to it.
    """

    folder: Path
    paths: list[str]
    kind: str = _KIND
    count: int = 1

    def size(self) -> int:
        """See `pipeline.retention.removal.Step`."""
        return freed_bytes([self.folder / path for path in self.paths])

    def carry_out(self) -> None:
        """See `pipeline.retention.removal.Step`."""
        cut_selection(self.folder, self.paths)


@dataclass(frozen=True)
class ToLabelPlan:
    """What becomes of the folders of pictures to label.

    Attributes:
        digests: Digests of the batches that hold pictures to forget.
        cuts: Removals of pictures from folders of batches whose candidates still await labels.
        undecidable: Digests of such batches without a picture to label in some domain: no label can
            decide on their candidates any more.
    """

    digests: set[str]
    cuts: list[ToLabelCut]
    undecidable: set[str]

    def removals(self, workspace: Workspace) -> Iterator[Removal]:
        """Yield what goes in whole: other folders of such batches, and labels in progress.

        Args:
            workspace: Workspace of the batches.
        """
        kept = {cut.folder for cut in self.cuts}
        for path in sorted(workspace.to_label.glob("*")):
            if is_of_batch(path.name, self.digests) and path not in kept:
                yield Removal(_KIND, path)

    def steps(self) -> Iterator[Step]:
        """Yield the cuts with something to remove."""
        yield from (cut for cut in self.cuts if cut.paths)


def plan_to_label(
    workspace: Workspace, pictures: ForgottenPictures, runs: Collection[str]
) -> ToLabelPlan:
    """Return what becomes of the folders of pictures to label.

    Args:
        workspace: Workspace of the batches.
        pictures: Pictures to forget.
        runs: Runs whose candidates are removed: their batches are trained on again, which writes
            the pictures to label again.

    Raises:
        OSError: A picture to label cannot be read.
    """
    plan = ToLabelPlan(set(), [], set())
    for batch, rows in stored_batches(workspace):
        if not any(map(pictures.includes_row, rows)):
            continue
        plan.digests.add(batch.digest)
        if batch.state != AWAITING or batch.replaced_by is not None or batch.run_id in runs:
            continue
        folder = workspace.to_label / batch.digest
        paths, is_useful = _find_paths(folder, batch.awaited_domains, pictures)
        if is_useful:
            plan.cuts.append(ToLabelCut(folder, paths))
        else:
            plan.undecidable.add(batch.digest)
    return plan


def _find_paths(
    folder: Path, domains: Collection[str], pictures: ForgottenPictures
) -> tuple[list[str], bool]:
    """Return the paths of the pictures to forget, and whether others are left in every domain."""
    found, num_left = [], 0
    for domain in sorted(one for one in folder.glob("*/*") if one.name == TO_LABEL):
        files = sorted(domain.iterdir())
        forgotten = [file for file in files if content_digest(file) in pictures.contents]
        found += [str(file.relative_to(folder)) for file in forgotten]
        num_left += len(forgotten) < len(files)
    return found, num_left > 0 and num_left >= len(domains)
