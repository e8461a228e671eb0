"""Versions that were trained on pictures, and their retirement."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from components.pusher.ancestors import find_ancestors
from components.pusher.rollback_record import write_rollback
from components.pusher.version_store import VersionStore
from pipeline.forgetting.forgotten_pictures import ForgottenPictures
from pipeline.forgetting.version_rows import count_by_split
from pipeline.retention.removal import Removal
from pipeline.retraining.unlabelled.unlabelled_examples import read_list
from pipeline.summary.summary_schema import Summary
from pipeline.version_lookup import find_stores
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.model_assets import (
    PUSH_RECORD,
    ROLLBACK_RECORD,
    TEST_PREDICTIONS,
)
from trainer_module.contract.output_text.wording import listed

#: Reason of a retirement, as `carryover versions` shows it.
REASON = "retired by carryover forget: it was trained on pictures that are forgotten"

#: Key of the pictures that a version was trained on without a label, and all keys of receipts.
UNLABELLED = "unlabelled"
SPLITS = ("train", "eval", "test", UNLABELLED)

#: Files that are left of a retired version: why it is gone.
LEFT = (PUSH_RECORD, ROLLBACK_RECORD)


@dataclass(frozen=True)
class ConcernedVersion:
    """A version in whose weights the pictures had a part, or that was tested on them.

    Attributes:
        store: Versions of its model.
        number: Its number.
        splits: Number of the pictures by split, and of those it was trained on without a label.
        earlier: Versions before it that were trained on them. Its training may have begun with the
            weights of one, see `warm_start`.
        is_served: Whether it is in the serving directory, and not among those rolled back.
        is_known: Whether an earlier call has found that it was trained on them, and has removed
            them from its list.
    """

    store: VersionStore
    number: int
    splits: Counter[str] = field(default_factory=Counter)
    earlier: tuple[int, ...] = ()
    is_served: bool = True
    is_known: bool = False

    @property
    def folder(self) -> Path:
        """Folder of the version."""
        rolled_back = self.store.rolled_back / str(self.number)
        return self.store.path(self.number) if self.is_served else rolled_back

    @property
    def is_trained(self) -> bool:
        """Whether its weights may depend on the pictures: those of the test split do not count."""
        in_list = any(self.splits[name] for name in ("train", "eval", UNLABELLED))
        return bool(in_list or self.earlier or self.is_known)

    def as_receipt(self, is_retired: bool) -> dict[str, Any]:
        """Return what receipts keep of it."""
        return {
            "model": self.store.name,
            "version": self.number,
            "pictures": {name: self.splits[name] for name in SPLITS},
            "may_continue_versions": list(self.earlier),
            "is_trained_on_them": self.is_trained,
            "is_retired": is_retired,
        }


def find_concerned(
    root: Path, pictures: ForgottenPictures, known: Collection[tuple[str, int]] = ()
) -> list[ConcernedVersion]:
    """Return the versions that pictures concern, the oldest of each model first.

    Args:
        root: Folder of the workspace.
        pictures: Pictures to forget.
        known: Names of models and numbers of versions that an earlier call has found to be trained
            on these pictures: their lists say it no more.

    Raises:
        UnavailableError: The list of a version is damaged.
    """
    return [
        one for store in find_stores(root) for one in _concerned_of_model(store, pictures, known)
    ]


def _concerned_of_model(
    store: VersionStore, pictures: ForgottenPictures, known: Collection[tuple[str, int]]
) -> Iterator[ConcernedVersion]:
    served = set(store.versions())
    numbers = sorted(served.union(store.rolled_back_versions()))
    trained: set[int] = set()
    for number in numbers:  # a version is newer than those whose weights it continues
        one = ConcernedVersion(
            store, number, is_served=number in served, is_known=(store.name, number) in known
        )
        earlier = tuple(sorted(_ancestors(store, number) & trained))
        splits = count_by_split(one.folder, pictures)
        splits[UNLABELLED] = _count_unlabelled(store, number, pictures)
        one = replace(one, splits=+splits, earlier=earlier)
        if one.is_trained:
            trained.add(number)
        if one.is_trained or one.splits:
            yield one


def _count_unlabelled(store: VersionStore, number: int, pictures: ForgottenPictures) -> int:
    """Return how many of the pictures a version was trained on without a label.

    The list of a version leaves them out; that of its run has them.
    """
    workspace = Workspace(store.root)
    try:
        run_id = store.read_any(number).run_id
        name = Summary.read(workspace.runs / run_id).unlabelled
    except InputError:  # the run was removed
        return 0
    file = workspace.inputs / name
    return len(read_list(file) & pictures.contents) if name and file.exists() else 0


def _ancestors(store: VersionStore, number: int) -> set[int]:
    return set(find_ancestors(number, store.read_any).numbers) - {number}


def check_something_serves(retired: Iterable[ConcernedVersion]) -> None:
    """Refuse to retire all versions of a model.

    Args:
        retired: Versions to retire.

    Raises:
        InputError: No other version of a model is in the serving directory.
    """
    by_store: dict[VersionStore, set[int]] = {}
    for one in retired:
        if one.is_served:
            by_store.setdefault(one.store, set()).add(one.number)
    for store, numbers in by_store.items():
        if numbers == set(store.versions()):
            raise InputError(
                f"model '{store.name}': all its versions ({listed(map(str, sorted(numbers)))}) "
                "were trained on the pictures, or may continue one that was, so none could serve. "
                "Leave --retire-models out, or say --stop-serving."
            )


@dataclass(frozen=True)
class Retirement:
    """Takes a version out of service and removes it, but for its record.

    Attributes:
        version: Version to retire.
    """

    version: ConcernedVersion
    kind: str = "retired versions"
    count: int = 1

    def size(self) -> int:
        """See `pipeline.retention.removal.Step`."""
        return retired_files(self.version.folder).size()

    def carry_out(self) -> None:
        """See `pipeline.retention.removal.Step`. It leaves the serving directory in one step."""
        store, number = self.version.store, self.version.number
        folder = store.rolled_back / str(number)
        if self.version.is_served:
            folder = store.withdraw(number, lambda path: write_rollback(path, REASON))
        else:
            write_rollback(folder, REASON)
        retired_files(folder).carry_out()


def retired_files(folder: Path) -> Removal:
    """Return the removal of all that does not stay of a retired version.

    The test predictions go first: a version that has them without its list of pictures is damaged.

    Args:
        folder: Folder of the version.
    """
    return Removal(Retirement.kind, folder, LEFT, (TEST_PREDICTIONS,))
