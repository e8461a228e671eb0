"""The serving directory: numbered versions, which appear complete."""

import json
import logging
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path

from components.pusher.ancestors import find_ancestors
from components.pusher.highest_version import note_highest_version, read_highest_version
from components.pusher.push_record import Push as Push  # also for the callers of `push`
from components.pusher.push_record import read_push_record
from components.pusher.version_files import check_files, copy_folder, list_files, sync_folder
from trainer_module.contract.atomic_write import sync_path
from trainer_module.contract.errors import InputError
from trainer_module.contract.model_assets import (
    DESCRIPTION,
    EXTRA,
    PUSH_RECORD,
    TEST_PREDICTIONS,
)
from trainer_module.contract.output_text.wording import counted

#: Folder in the workspace with the versions that are no longer served.
ROLLED_BACK_FOLDER = "rolled_back"

#: Folder in the workspace with what is left of versions that `carryover clean` removed.
REMOVED_FOLDER = "removed_versions"

#: Files that are left of a removed version: what a later candidate is compared with, see
#: `stored_predictions`, and the record, which tells what was pushed and why.
LEFT_FILES = (PUSH_RECORD, DESCRIPTION, TEST_PREDICTIONS)

_logger = logging.getLogger("carryover.versions")


@dataclass(frozen=True)
class VersionStore:
    """Versions of one model: `<root>/serving/<name>/<number>/`.

    A version is in one of three folders: in the serving directory, among those that were rolled
    back, or among those that were removed to free the disk. A removed version counts as one that
    was never rolled back: candidates are compared with its predictions.

    Attributes:
        root: Folder of the workspace.
        name: Name of the model.
    """

    root: Path
    name: str

    @property
    def serving(self) -> Path:
        """Folder of the model that a model server watches."""
        return self.root / "serving" / self.name

    @property
    def rolled_back(self) -> Path:
        """Folder of the versions that were rolled back. They keep their numbers."""
        return self.root / ROLLED_BACK_FOLDER / self.name

    @property
    def removed(self) -> Path:
        """Folder with the `LEFT_FILES` of the versions that were removed, by number."""
        return self.root / REMOVED_FOLDER / self.name

    def versions(self) -> list[int]:
        """Return the numbers of the versions in the serving directory, oldest first."""
        return _numbers(self.serving)

    def newest(self) -> int | None:
        """Return the serving version, None before the first push."""
        return max(self.versions(), default=None)

    def path(self, version: int) -> Path:
        """Return the folder of a version in the serving directory."""
        return self.serving / str(version)

    def rolled_back_versions(self) -> list[int]:
        """Return the numbers of the versions that were rolled back, oldest first."""
        return _numbers(self.rolled_back)

    def removed_versions(self) -> list[int]:
        """Return the numbers of the versions that were removed, oldest first."""
        return sorted(set(_numbers(self.removed)) - set(self.versions()))

    def folder(self, version: int) -> Path:
        """Return the folder of a version that was not rolled back: it may have been removed."""
        served, removed = self.path(version), self.removed / str(version)
        # Path.exists raises where it may not look; who reads the record then says so.
        is_removed = os.path.exists(removed) and not os.path.exists(served)  # noqa: PTH110
        return removed if is_removed else served

    def is_rolled_back(self, version: int) -> bool:
        """Return whether a version is out of service: it was rolled back, or deleted by hand.

        A deleted version that the serving version goes back to is not: it is trained on.
        """
        if self.folder(version).exists():
            return False
        known, lost = find_ancestors(self.newest(), self.read_any)
        is_kept = (self.rolled_back / str(version)).exists()
        return version not in known and (is_kept or version > lost)

    def read_push(self, version: int) -> Push:
        """Read the record of a version that was not rolled back.

        Raises:
            UnavailableError: The version has no record, or a damaged one.
        """
        return read_push_record(self.folder(version))

    def read_any(self, version: int) -> Push:
        """Read the record of a version, even if it was rolled back."""
        kept = self.rolled_back / str(version)
        return read_push_record(kept if kept.exists() else self.folder(version))

    def check_files(self, version: int) -> None:
        """Check that a version has all files that it was pushed with, or that were left of it.

        Raises:
            UnavailableError: The version has no record, or a damaged one, or a file was lost or cut
                off.
        """
        folder, files = self.folder(version), self.read_push(version).files or {}
        if folder.parent == self.removed:
            files = {name: size for name, size in files.items() if name in LEFT_FILES}
        check_files(folder, files)

    def pushes(self) -> Iterator[tuple[int, Push, bool]]:
        """Read the records of all versions. Those that are damaged are left out, with a warning.

        Yields:
            Number, record, and whether the version is in the serving directory or was removed
            (True), or was rolled back; those first, and the newest first.
        """
        for number, push, is_serving in self.records():
            if isinstance(push, InputError):
                _logger.warning("version %d is left out: %s", number, push)
            else:
                yield number, push, is_serving

    def damaged_pushes(self) -> dict[int, InputError]:
        """Return the errors of all versions whose record is missing or damaged, by number."""
        return {number: push for number, push, _ in self.records() if isinstance(push, InputError)}

    def records(self) -> Iterator[tuple[int, Push | InputError, bool]]:
        """Yield what `pushes` does, with the error in place of a damaged record; log nothing."""
        served = sorted([*self.versions(), *self.removed_versions()], reverse=True)
        folders = [(number, self.folder(number), True) for number in served]
        for number in reversed(self.rolled_back_versions()):
            folders.append((number, self.rolled_back / str(number), False))
        for number, folder, is_serving in folders:
            try:
                yield number, read_push_record(folder), is_serving
            except InputError as error:
                yield number, error, is_serving

    def find(self, digest: str) -> tuple[int, bool] | None:
        """Return the version that holds a model, if there is one. A removed one holds none.

        Args:
            digest: Digest of the model, see `model_digest`.

        Returns:
            Number, and whether the version is in the serving directory (True) or was rolled back.
        """
        removed = self.removed_versions()
        for number, push, is_serving in self.pushes():
            if push.digest == digest and not (is_serving and number in removed):
                return number, is_serving
        return None

    def find_batch(
        self, batch: str, known: Collection[int | None] = (), since: str = ""
    ) -> int | None:
        """Return the version that was retrained for a batch, even if it was rolled back.

        Args:
            batch: Digest of the batch.
            known: Versions that belong to other deliveries of the same pictures.
            since: Time of a delivery, ISO 8601 in UTC. A version that was pushed before, and was
                rolled back, belongs to an earlier delivery.
        """
        numbers = (
            number
            for number, push, is_serving in self.pushes()
            if push.batch == batch and (is_serving or push.pushed_at >= since)
        )
        return next((number for number in numbers if number not in known), None)

    def push(self, model: Path, push: Push, complete: Callable[[Path], None] | None = None) -> int:
        """Copy a model into the serving directory as the next version.

        The copy is made next to the directory, flushed to the disk, and renamed into it: a server
        that polls the directory sees the complete version or nothing.

        Args:
            model: Folder of the SavedModel.
            push: Record of the push.
            complete: Function that adds files to the folder of the copy before it is renamed.

        Returns:
            Number of the version: one more than the highest that there ever was.

        Raises:
            OSError: The disk is full or fails. The incomplete copy is removed.
        """
        incoming = self.root / f".incoming-{self.name}"
        if incoming.exists():
            shutil.rmtree(incoming)  # left by a push that was killed
        try:
            copy_folder(model, incoming)
            (incoming / EXTRA).mkdir(exist_ok=True)
            if complete:
                complete(incoming)
            known, lost = find_ancestors(push.baseline_version, self.read_any)
            ancestors = None if lost else sorted(known)
            push = replace(push, files=list_files(incoming), ancestors=ancestors)
            (incoming / PUSH_RECORD).write_text(json.dumps(asdict(push), indent=1))
            sync_folder(incoming)
            highest = read_highest_version(self.root, self.name)
            folders = (self.serving, self.rolled_back, self.removed)
            version = max([highest, *chain.from_iterable(map(_numbers, folders))]) + 1
            self.serving.mkdir(parents=True, exist_ok=True)
            incoming.rename(self.path(version))
        except BaseException:
            shutil.rmtree(incoming, ignore_errors=True)  # a full disk needs the space
            raise
        for folder in (self.serving, self.serving.parent, self.root):
            sync_path(folder)
        note_highest_version(self.root, self.name, version)
        return version

    def roll_back(self, prepare: Callable[[Path], None] | None = None) -> tuple[int, int]:
        """Move the newest version out of the serving directory.

        Args:
            prepare: Function that writes into the folder of the version before it is moved, so that
                no kill comes between.

        Returns:
            The version that was moved, and the new serving version.

        Raises:
            ValueError: There is no earlier version.
        """
        versions = self.versions()
        if len(versions) < 2:
            raise ValueError(
                f"model '{self.name}' has {counted(len(versions), 'version')} in {self.serving}; "
                "a rollback needs an earlier one to serve."
            )
        self.withdraw(versions[-1], prepare)
        return versions[-1], versions[-2]

    def withdraw(self, version: int, prepare: Callable[[Path], None] | None = None) -> Path:
        """Move a version out of the serving directory, to those that were rolled back.

        Args:
            version: Number of the version.
            prepare: See `roll_back`.

        Returns:
            Its folder.
        """
        self.rolled_back.mkdir(parents=True, exist_ok=True)
        if prepare:
            prepare(self.path(version))
        note_highest_version(self.root, self.name, max(self.versions()))
        folder = self.rolled_back / str(version)
        self.path(version).rename(folder)
        for parent in (self.rolled_back, self.serving):
            sync_path(parent)
        return folder

    def remove(self, version: int) -> Path:
        """Move a version out of the serving directory, in one step. Another one must serve.

        Args:
            version: Number of the version.

        Returns:
            Its folder, in which only `LEFT_FILES` are needed.
        """
        folder = self.removed / str(version)
        if folder.exists():
            shutil.rmtree(folder)  # someone has put the version back from a copy
        folder.parent.mkdir(parents=True, exist_ok=True)
        self.path(version).rename(folder)
        for parent in (folder.parent, self.serving):
            sync_path(parent)
        return folder


def _numbers(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    # A folder such as `02`, or a file, is not ours.
    names = (path.name for path in folder.iterdir() if path.is_dir())
    return sorted(int(name) for name in names if name.isdecimal() and name == str(int(name)))
