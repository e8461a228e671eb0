"""The folder that holds everything a run writes."""

import contextlib
import datetime
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock

from components.pusher.version_store import VersionStore
from pipeline.config.run_config import RunConfig
from pipeline.config.yaml_parser import dump_yaml, parse_yaml
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import is_uri

#: File in the folder of a retraining run: digest of its batch.
BATCH = "batch"

#: File that is locked while a run uses the workspace.
_LOCK = ".lock"


@dataclass(frozen=True)
class Workspace:
    """Paths of the files and folders of a workspace.

    Attributes:
        root: Absolute path of the workspace.
    """

    root: Path

    @property
    def runs(self) -> Path:
        """Folder of the runs, with one folder per run for its config, summary and report."""
        return self.root / "runs"

    @property
    def inputs(self) -> Path:
        """Folder of the listings of pictures and of the schemas, named by their digests."""
        return self.root / "inputs"

    @property
    def batches(self) -> Path:
        """Folder of the copies of batches, named by their digests."""
        return self.root / "batches"

    @property
    def artifacts(self) -> Path:
        """Folder of the artifacts: `<component>/<output>/<execution>`."""
        return self.root / "artifacts"

    def artifact(self, uri: str) -> str:
        """Return where an artifact of this workspace is now.

        A workspace may be moved or copied, and the recorded URIs are absolute. So a copy never
        reads the artifacts of its original.

        Args:
            uri: Recorded URI. One that is not in a workspace, as on Kubeflow, is returned as it is.
        """
        _, folder, relative = uri.rpartition(f"/{self.artifacts.name}/")
        return str(self.artifacts / relative) if folder and not is_uri(uri) else uri

    def data_root(self, run_id: str, recorded: str) -> str:
        """Return where the data root of a run is now: one in the workspace moves with it.

        Args:
            run_id: Id of the run.
            recorded: Data root in its summary. That of a retraining is the workspace.
        """
        file = self.runs / run_id / "config.yaml"
        if is_uri(recorded) or not file.exists():
            return recorded
        before = str(parse_yaml(file.read_bytes()).value.get("workspace"))
        if not Path(recorded).is_relative_to(before):
            return recorded
        return str(self.root / Path(recorded).relative_to(before))

    @property
    def metadata(self) -> Path:
        """SQLite database of ML Metadata: artifacts, executions, and how they are connected."""
        return self.root / "metadata.sqlite"

    @property
    def activation_cache(self) -> Path:
        """Folder of the cached activations of pictures, for later retrainings."""
        return self.root / "features"

    @property
    def training_jobs(self) -> Path:
        """Folder in which the chief publishes a training that workers can join."""
        return self.root / "training"

    def exports(self, name: str, version: int) -> Path:
        """Folder of the exports of a model version, with their metrics."""
        return self.root / "exports" / name / str(version)

    def log(self, name: str) -> Path:
        """Path of the log of a run or a command: messages of the libraries, and tracebacks.

        Args:
            name: Id of the run, or name of the command.
        """
        return self.root / "logs" / f"{name}.log"

    def baseline_uri(self, store: VersionStore, version: int) -> Path:
        """Return the folder of a version in the layout of a TFX Model artifact.

        The folder holds a link to the version in the serving directory.
        """
        folder = self.root / "baselines" / store.name / str(version)
        link = folder / "Format-Serving"
        if not link.is_symlink():
            folder.mkdir(parents=True, exist_ok=True)
            # A relative link survives when the workspace is moved.
            link.symlink_to(os.path.relpath(store.path(version), folder))
        return folder

    def new_run(self, config: RunConfig, batch: str | None = None) -> str:
        """Create the folder of a new run, and write its config there.

        Args:
            config: Config of the run.
            batch: Digest of the batch that the run retrains for; None for other runs.

        Returns:
            The run id: date and time in UTC, and a number if the second has several runs.
        """
        moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d-%H%M%S")
        number = 1
        while True:
            run_id = moment if number == 1 else f"{moment}-{number:03d}"
            try:
                (self.runs / run_id).mkdir(parents=True)
                break
            except FileExistsError:
                number += 1
        text = dump_yaml(config.model_dump(mode="json"))
        atomic_write(self.runs / run_id / "config.yaml", text)
        if batch:
            atomic_write(self.runs / run_id / BATCH, f"{batch}\n")
        return run_id

    def unfinished_run(self) -> str | None:
        """Return the id of the newest run if it has no summary: it was killed, or is running."""
        runs = sorted(path for path in self.runs.glob("*") if path.is_dir())
        if not runs or (runs[-1] / "summary.json").exists():
            return None
        return runs[-1].name

    def unfinished_config(self) -> Path:
        """Return the path of the config of the run to resume.

        Raises:
            InputError: The newest run has ended or was a retraining, or there is no run.
        """
        run_id = self.unfinished_run()
        if run_id is None:
            raise InputError(f"workspace {self.root} has no unfinished run. Leave --resume out.")
        if (self.runs / run_id / BATCH).exists():
            raise InputError(
                f"run {run_id} in workspace {self.root} was a retraining. Resume it with "
                "carryover retrain."
            )
        return self.runs / run_id / "config.yaml"

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lock of the workspace, so that no other run uses it.

        The operating system releases the lock of a killed process. A workspace that the call has
        created is removed again where bad input leaves it empty.

        Raises:
            InputError: Another run holds the lock, or the folder is not writable.
        """
        is_new = not self.root.exists()
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            holder = filelock.FileLock(self.root / _LOCK)
            holder.acquire(timeout=0)
        except filelock.Timeout:
            raise InputError(
                f"workspace {self.root} is in use by run {self.unfinished_run() or '(starting)'}. "
                "Wait until it has ended, or give another one with --workspace DIR."
            ) from None
        except OSError as error:
            raise InputError(
                f"workspace {self.root} cannot be written: {error.strerror}. "
                "Give another one with --workspace DIR."
            ) from None
        try:
            yield
        except InputError:
            if is_new:
                self._remove_if_unused()
            raise
        finally:
            holder.release()

    def _remove_if_unused(self) -> None:
        """Remove the workspace if it holds nothing but its lock and a folder without listings."""
        with contextlib.suppress(OSError):
            if self.inputs.exists():
                self.inputs.rmdir()
            if [path.name for path in self.root.iterdir()] == [_LOCK]:
                (self.root / _LOCK).unlink()
                self.root.rmdir()


def check_outside_data(config: RunConfig) -> None:
    """Refuse a workspace that is the data folder or inside it.

    Args:
        config: Config of a run, with absolute paths.

    Raises:
        InputError: The workspace is the data folder or inside it.
    """
    if config.workspace.is_relative_to(config.data):
        place = "is" if config.workspace == Path(config.data) else "is inside"
        raise InputError(
            f"workspace {config.workspace} {place} the data folder {config.data}, where its "
            "files would be read as pictures. Give another one with --workspace DIR."
        )
