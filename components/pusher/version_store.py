"""The serving directory: numbered versions, which appear complete."""

import json
import logging
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from components.pusher.ancestors import find_ancestors
from components.pusher.highest_version import note_highest_version, read_highest_version
from components.pusher.version_files import check_files, copy_folder, list_files, sync_folder
from trainer_module.contract.atomic_write import sync_path
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.model_assets import EXTRA, PUSH_RECORD
from trainer_module.contract.output_text.wording import counted
from trainer_module.contract.workspace_files.state_files import damaged_file, read_state

#: Folder in the workspace with the versions that are no longer served.
ROLLED_BACK_FOLDER = "rolled_back"

_REMEDY = "Restore the file from a backup, or move the folder of the version out of the workspace."

_logger = logging.getLogger("carryover.versions")


@dataclass(frozen=True)
class Push:
    """Record of the push of a version.

    Attributes:
        digest: SHA-256 over the model's files in hex; the same model is never pushed twice.
        run_id: Id of the run that made the version.
        run_key: Digest of what determines the model of that run, see `pipeline.identity.model_key`.
        baseline_version: Version that it was compared with; None for the first version.
        pushed_at: Time of the push, ISO 8601, UTC.
        domains: Metrics on the test split, by domain.
        batch: Digest of the batch that the version was retrained for; None for any other run.
        accepted: Reason that a user gave for pushing it without a blessing; None if it was blessed.
        files: Sizes of the version's files by path, see `list_files`; None for a version that was
            pushed before the list was kept. `VersionStore.push` sets it.
        ancestors: The baseline, the baseline of that, and so on, see `find_ancestors`; None where
            they were not kept. `VersionStore.push` sets them.
    """

    digest: str
    run_id: str
    run_key: str
    baseline_version: int | None
    pushed_at: str
    domains: dict[str, dict[str, Any]]
    batch: str | None = None
    accepted: str | None = None
    files: dict[str, int | None] | None = field(default=None, compare=False)
    ancestors: list[int] | None = field(default=None, compare=False)


_PUSHES = TypeAdapter(Push)


@dataclass(frozen=True)
class VersionStore:
    """Versions of one model: `<root>/serving/<name>/<number>/`.

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

    def is_rolled_back(self, version: int) -> bool:
        """Return whether a version is out of service: it was rolled back, or removed by hand.

        A removed version that the serving version goes back to is not: it is trained on.
        """
        if self.path(version).exists():
            return False
        known, lost = find_ancestors(self.newest(), self.read_any)
        is_kept = (self.rolled_back / str(version)).exists()
        return version not in known and (is_kept or version > lost)

    def read_push(self, version: int) -> Push:
        """Read the record of a version in the serving directory.

        Raises:
            UnavailableError: The version has no record, or a damaged one.
        """
        return _read_push(self.path(version))

    def read_any(self, version: int) -> Push:
        """Read the record of a version, even if it was rolled back."""
        kept = self.rolled_back / str(version)
        return _read_push(kept if kept.exists() else self.path(version))

    def check_files(self, version: int) -> None:
        """Check that a version in the serving directory has all files that it was pushed with.

        Raises:
            UnavailableError: The version has no record, or a damaged one, or a file was lost or cut
                off.
        """
        check_files(self.path(version), self.read_push(version).files)

    def pushes(self) -> Iterator[tuple[int, Push, bool]]:
        """Read the records of all versions. Those that are damaged are left out, with a warning.

        Yields:
            Number, record, and whether the version is in the serving directory (True) or was rolled
            back; the versions in the serving directory first, and the newest first.
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
        for folder, is_serving in ((self.serving, True), (self.rolled_back, False)):
            for number in reversed(_numbers(folder)):
                try:
                    yield number, _read_push(folder / str(number)), is_serving
                except InputError as error:
                    yield number, error, is_serving

    def find(self, digest: str) -> tuple[int, bool] | None:
        """Return the version that holds a model, if there is one.

        Args:
            digest: Digest of the model, see `model_digest`.

        Returns:
            Number, and whether the version is in the serving directory (True) or was rolled back.
        """
        for number, push, is_serving in self.pushes():
            if push.digest == digest:
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
            version = max([highest, *self.versions(), *self.rolled_back_versions()]) + 1
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
        self.rolled_back.mkdir(parents=True, exist_ok=True)
        if prepare:
            prepare(self.path(versions[-1]))
        note_highest_version(self.root, self.name, versions[-1])
        self.path(versions[-1]).rename(self.rolled_back / str(versions[-1]))
        for folder in (self.rolled_back, self.serving):
            sync_path(folder)
        return versions[-1], versions[-2]


def _read_push(version: Path) -> Push:
    record = version / PUSH_RECORD
    try:
        is_missing = not record.exists()
    except OSError:
        is_missing = False  # the folder may not be searched: reading the file tells why
    if is_missing:
        raise UnavailableError(
            f"{version} was not pushed by carryover: it has no {PUSH_RECORD}. "
            "Restore it from a backup if it was lost, or move the folder out of the workspace."
        )
    what = f"record of version {version.name}"
    content = read_state(record, what, _REMEDY)
    try:
        return _PUSHES.validate_json(content)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        raise damaged_file(
            record, what, f"{key}: {problem['msg']}" if key else problem["msg"], _REMEDY
        ) from None


def _numbers(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    # A folder such as `02`, or a file, is not ours.
    names = (path.name for path in folder.iterdir() if path.is_dir())
    return sorted(int(name) for name in names if name.isdecimal() and name == str(int(name)))
