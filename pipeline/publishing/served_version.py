"""What a workspace knows about a version in its serving directory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.pusher.version_files import list_files
from components.pusher.version_store import Push, VersionStore
from pipeline.summary.summary_schema import Summary
from pipeline.version_lookup import serving_version
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.model_assets import PUSH_RECORD, ROLLBACK_RECORD
from trainer_module.export.model_description import read_description


@dataclass(frozen=True)
class ServedVersion:
    """A version in the serving directory, with the run that made it.

    Attributes:
        workspace: Workspace of the version.
        name: Name of the model.
        number: Number of the version.
        folder: Folder of its SavedModel.
        push: Record of its push.
        description: Description of the model, see `model_description.read_description`.
        summary: Summary of its run; None if the run was removed.
    """

    workspace: Workspace
    name: str
    number: int
    folder: Path
    push: Push
    description: dict[str, Any]
    summary: Summary | None

    @property
    def run_folder(self) -> Path:
        """Folder of its run, which may have been removed."""
        return self.workspace.runs / self.push.run_id

    @property
    def data(self) -> str:
        """Data folder, manifest or URI that the config of its run names; "" where it is unknown."""
        try:
            return str(self.workspace.read_config(self.push.run_id).get("data") or "")
        except InputError:
            return ""

    def files(self) -> list[str]:
        """Return the paths of the files that it was pushed with, without later ones."""
        if self.push.files is not None:
            return [*self.push.files, PUSH_RECORD]
        return [PUSH_RECORD, *(name for name in list_files(self.folder) if name != ROLLBACK_RECORD)]


def read_served_version(store: VersionStore, number: int | None = None) -> ServedVersion:
    """Read a version that is in the serving directory and has all its files.

    Args:
        store: Versions of the model.
        number: Number of the version; None for the serving version.

    Raises:
        InputError: There is no such version, or it was rolled back.
        UnavailableError: The version has lost files, or its record or its run's summary is damaged.
    """
    number = serving_version(store) if number is None else number
    if number not in store.versions():
        raise _not_served(store, number)
    store.check_files(number)
    workspace, push = Workspace(store.root), store.read_push(number)
    run_folder = workspace.runs / push.run_id
    return ServedVersion(
        workspace=workspace,
        name=store.name,
        number=number,
        folder=store.path(number),
        push=push,
        description=read_description(str(store.path(number))),
        summary=Summary.read(run_folder) if (run_folder / "summary.json").exists() else None,
    )


def _not_served(store: VersionStore, number: int) -> InputError:
    """Return the error for a version that is not in the serving directory."""
    known = ", ".join(map(str, store.versions())) or "none"
    if number in store.rolled_back_versions():
        problem = f"version {number} of '{store.name}' was rolled back"
    else:
        problem = f"model '{store.name}' has no version {number}"
    return InputError(f"{problem}. Versions in {store.serving}: {known}.")
