"""The serving directory: numbered versions, each complete from the moment it can be seen."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainer_module.contract.errors import InputError

EXTRA = "assets.extra"
PUSH_FILE = "push.json"
ROLLED_BACK = "rolled_back"


@dataclass(frozen=True)
class Push:
    """What is known of a version from the moment of its push.

    Attributes:
        digest: SHA-256 over the model's files, in hex: the same model is never pushed twice.
        run_id: of the run that made it.
        run_key: identity of that run's inputs, see `pipeline.running.local_run`.
        baseline_version: that it was compared with, None for the first.
        pushed_at: ISO 8601, UTC.
        domains: per-domain metrics on the test split.
        batch: digest of the batch that the version was retrained for, if it was.
        accepted: why someone pushed it though it was not blessed, if someone did.
    """

    digest: str
    run_id: str
    run_key: str
    baseline_version: int | None
    pushed_at: str
    domains: dict[str, dict[str, Any]]
    batch: str | None = None
    accepted: str | None = None


@dataclass(frozen=True)
class VersionStore:
    """Versions of one model: `<root>/serving/<name>/<number>/`.

    Attributes:
        root: of the workspace.
        name: of the model.
    """

    root: Path
    name: str

    @property
    def serving(self) -> Path:
        """What a model server is pointed at."""
        return self.root / "serving" / self.name

    @property
    def rolled_back(self) -> Path:
        """Versions that were taken out of service. They keep their numbers."""
        return self.root / ROLLED_BACK / self.name

    def versions(self) -> list[int]:
        """Numbers of the versions that serve, oldest first."""
        return _numbers(self.serving)

    def newest(self) -> int | None:
        """The version that a model server answers with, None before the first push."""
        return max(self.versions(), default=None)

    def path(self, version: int) -> Path:
        """Folder of a version."""
        return self.serving / str(version)

    def read_push(self, version: int) -> Push:
        """What is known of a version that serves."""
        return _read_push(self.path(version))

    def pushes(self) -> Iterator[tuple[int, Push, bool]]:
        """Every version, and whether it serves (True) or was rolled back; newest first of each."""
        for folder, serves in ((self.serving, True), (self.rolled_back, False)):
            for number in reversed(_numbers(folder)):
                yield number, _read_push(folder / str(number)), serves

    def find(self, digest: str) -> tuple[int, bool] | None:
        """The version that holds a model, and whether it serves (True) or was rolled back."""
        found = (
            (number, serves) for number, push, serves in self.pushes() if push.digest == digest
        )
        return next(found, None)

    def find_batch(self, batch: str) -> int | None:
        """The version that was retrained for a batch, serving or rolled back."""
        return next((number for number, push, _ in self.pushes() if push.batch == batch), None)

    def push(self, model: Path, push: Push, complete: Callable[[Path], None] | None = None) -> int:
        """Copy a model into the serving directory as the next version.

        The copy is made beside the directory, written to disk, and renamed into it: a server that
        polls the directory sees all of the version or nothing.

        Args:
            model: folder of the SavedModel.
            push: what to remember of it.
            complete: adds to the copy, before anyone can see it.

        Returns:
            The version's number: one more than any before it, rolled back ones included.
        """
        incoming = self.root / f".incoming-{self.name}"
        if incoming.exists():
            shutil.rmtree(incoming)  # of a push that was killed
        shutil.copytree(model, incoming)
        (incoming / EXTRA).mkdir(exist_ok=True)
        (incoming / EXTRA / PUSH_FILE).write_text(json.dumps(asdict(push), indent=1))
        if complete:
            complete(incoming)
        _sync(incoming)
        taken = [*self.versions(), *_numbers(self.rolled_back)]
        version = max(taken, default=0) + 1
        self.serving.mkdir(parents=True, exist_ok=True)
        incoming.rename(self.path(version))
        _sync_folder(self.serving)
        return version

    def roll_back(self) -> tuple[int, int]:
        """Take the newest version out of service.

        Returns:
            The version taken out, and the one that serves now.

        Raises:
            ValueError: there is no earlier version.
        """
        versions = self.versions()
        if len(versions) < 2:
            raise ValueError(
                f"model '{self.name}' has {len(versions)} version(s) in {self.serving}; "
                "a rollback needs an earlier one to serve."
            )
        self.rolled_back.mkdir(parents=True, exist_ok=True)
        self.path(versions[-1]).rename(self.rolled_back / str(versions[-1]))
        _sync_folder(self.serving)
        return versions[-1], versions[-2]


def model_digest(model: Path) -> str:
    """SHA-256 over the names and contents of a model's files, in hex."""
    digest = hashlib.sha256()
    for path in sorted(path for path in model.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(model).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _read_push(version: Path) -> Push:
    record = version / EXTRA / PUSH_FILE
    if not record.exists():
        raise InputError(
            f"{version} was not pushed by carryover: it has no {EXTRA}/{PUSH_FILE}. "
            "Move it out of the workspace."
        )
    return Push(**json.loads(record.read_text()))


def _numbers(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal())


def _sync(folder: Path) -> None:
    """Make sure that a folder and all in it survive a power cut."""
    for path in folder.rglob("*"):
        _sync_folder(path)
    _sync_folder(folder)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
