"""The folder that holds everything a run writes."""

import contextlib
import datetime
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.pusher.version_store import VersionStore
from pipeline.config.parsing.yaml_loader import YamlError
from pipeline.config.parsing.yaml_parser import parse_yaml
from pipeline.config.run_config import RunConfig
from pipeline.config.stored_config import write_config
from pipeline.logs.command_log import WORKSPACE_MARKS
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import is_uri
from trainer_module.contract.workspace_files.file_lock import NO_LOCKS, lock_file
from trainer_module.contract.workspace_files.lease import Lease
from trainer_module.contract.workspace_files.lock_holder import read_holder, write_holder
from trainer_module.contract.workspace_files.state_files import damaged_file, read_state

#: File in the folder of a retraining run: digest of its batch.
BATCH = "batch"

#: File that is locked while a run uses the workspace.
_LOCK = ".lock"

#: Ids of runs, which are the names of their folders.
RUN_ID = re.compile(r"\d{8}-\d{6}(-\d+)?")


@dataclass(frozen=True)
class Workspace:
    """Paths of the files and folders of a workspace.

    Attributes:
        root: Absolute path of the workspace.
    """

    root: Path

    @property
    def is_used(self) -> bool:
        """Whether a command has written anything here, so that the folder is a workspace."""
        return any((self.root / mark).exists() for mark in WORKSPACE_MARKS)

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
    def to_label(self) -> Path:
        """Folder of the pictures whose labels decide on candidates, by the digest of the batch."""
        return self.root / "to_label"

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

    def read_config(self, run_id: str) -> dict[str, Any]:
        """Read the config that a run was started with, by key; credentials in it are masked.

        Raises:
            UnavailableError: `config.yaml` of the run is missing, unreadable or damaged.
        """
        file, what = self.config_file(run_id), f"config of run {run_id}"
        remedy = "Restore the file from a backup, or give the config again with --config FILE."
        content = read_state(file, what, remedy)
        if not content.endswith(b"\n"):  # it may be valid YAML, and lack the last keys
            raise damaged_file(file, what, "it is cut off", remedy)
        try:
            values = parse_yaml(content).value
        except YamlError as error:
            raise damaged_file(file, what, f"line {error.line}: {error.problem}", remedy) from None
        if not isinstance(values, dict):
            raise damaged_file(file, what, "it holds no `key: value` lines", remedy)
        return values

    def config_file(self, run_id: str) -> Path:
        """Return the path of the config that a run was started with."""
        return self.runs / run_id / "config.yaml"

    def batch_digest(self, run_id: str) -> str | None:
        """Return the digest of the batch that a run retrained for; None for any other run.

        Raises:
            UnavailableError: The file with the digest is unreadable or empty.
        """
        file = self.runs / run_id / BATCH
        if not file.exists():
            return None
        content = read_state(file, f"batch of run {run_id}", "Restore the file from a backup.")
        return content.decode(errors="replace").strip()

    def data_root(self, run_id: str, recorded: str) -> str:
        """Return where the data root of a run is now: one in the workspace moves with it.

        Args:
            run_id: Id of the run.
            recorded: Data root in its summary. That of a retraining is the workspace.

        Raises:
            UnavailableError: `config.yaml` of the run is unreadable or damaged.
        """
        if is_uri(recorded) or not self.config_file(run_id).exists():
            return recorded
        before = str(self.read_config(run_id).get("workspace"))
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
    def searches(self) -> Path:
        """Folder of the searches of `carryover tune`, one for each data set, config and code."""
        return self.root / "tuning"

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

        It holds a link to the serving directory. TFX's cache compares only paths, so its name has
        the digest of the model: another model never gets the results of an earlier one.

        Raises:
            InputError: The version has no record, or a damaged one.
        """
        name = f"{version}-{store.read_push(version).digest[:16]}"
        folder = self.root / "baselines" / store.name / name
        link = folder / "Format-Serving"
        # A relative link survives when the workspace is moved.
        target = os.path.relpath(store.folder(version), folder)
        if not (link.is_symlink() and link.readlink() == Path(target)):
            folder.mkdir(parents=True, exist_ok=True)
            if link.is_dir() and not link.is_symlink():
                shutil.rmtree(link)  # left by `cp -rL`, which copies what links point to
            link.unlink(missing_ok=True)
            link.symlink_to(target)
        return folder

    def new_run(self, config: RunConfig, batch: str | None = None) -> str:
        """Create the folder of a new run, and write its config there.

        Args:
            config: Config of the run.
            batch: Digest of the batch that the run retrains for; None for other runs.

        Returns:
            The run id: date and time in UTC, and a number if the second has several runs. It sorts
            after all earlier ones, also where the clock was set back.

        Raises:
            OSError: The disk is full or read-only. No folder is left behind.
        """
        run_id = self._next_run_id()
        folder = self.runs / run_id
        folder.mkdir(parents=True)
        try:
            if batch:
                atomic_write(folder / BATCH, f"{batch}\n")
            write_config(self.config_file(run_id), config)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return run_id

    def _next_run_id(self) -> str:
        """Return an id for a run that starts now, which sorts after all earlier ones."""
        run_id = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d-%H%M%S")
        names = (path.name for path in self.runs.glob("*"))
        newest = max(filter(RUN_ID.fullmatch, names), default="")
        if run_id > newest:
            return run_id
        day, second, *number = newest.split("-")
        return f"{day}-{second}-{int(number[0] if number else 1) + 1:03d}"

    def unfinished_run(self) -> str | None:
        """Return the id of the newest run if it has no summary: it was killed, or is running."""
        runs = sorted(path for path in self.runs.glob("*") if path.is_dir())
        if not runs or (runs[-1] / "summary.json").exists():
            return None
        return runs[-1].name

    def unfinished_config(self) -> Path:
        """Return the path of the config of the run to resume.

        Raises:
            InputError: The newest run has ended or was a retraining, there is no run, or its config
                is damaged.
        """
        run_id = self.unfinished_run()
        if run_id is None:
            raise InputError(f"workspace {self.root} has no unfinished run. Leave --resume out.")
        if (self.runs / run_id / BATCH).exists():
            raise InputError(
                f"run {run_id} in workspace {self.root} was a retraining. Resume it with "
                "carryover retrain."
            )
        self.read_config(run_id)
        return self.config_file(run_id)

    @contextlib.contextmanager
    def lock(self, holder: str | None = None) -> Iterator[None]:
        """Hold the lock of the workspace, so that no other run uses it.

        The operating system releases the lock of a killed process. What the call has created is
        removed again where bad input leaves nothing else in it.

        Args:
            holder: Id of the run on a cluster that this process is a step of, see `Lease`; None for
                any other process.

        Raises:
            InputError: Another run holds the lock or the lease, the folder is not writable, or its
                file system has no locks.
        """
        try:
            is_unused = not self.is_used
            earlier = [path for path in (self.root, self.inputs) if path.exists()]
            self.root.mkdir(parents=True, exist_ok=True)
            handle = lock_file(self.root / _LOCK)
        except BlockingIOError:
            raise self._in_use() from None
        except OSError as error:
            raise self._unusable(error) from None
        try:
            write_holder(handle)
            self._check_lease(holder)
            yield
        except InputError:
            if is_unused:
                self._remove_if_still_unused(earlier)
            raise
        finally:
            os.close(handle)  # it releases the lock

    def _in_use(self) -> InputError:
        """Return the error for a workspace that another process has locked."""
        command = read_holder(self.root / _LOCK)
        user = command or "another command"
        if run_id := self.unfinished_run():
            user = f"run {run_id}" + (f" ({command})" if command else "")
        return InputError(
            f"workspace {self.root} is in use by {user}. "
            "Wait until it has ended, or give another one with --workspace DIR."
        )

    def _check_lease(self, holder: str | None) -> None:
        """Check that no other run on a cluster uses the workspace."""
        lease = Lease.read(self.root)
        if lease and lease.holder != holder:
            raise InputError(
                f"workspace {self.root} is in use by run {lease.run_id} on Kubeflow "
                f"({lease.holder}). Wait until it has ended, or give another one with "
                "--workspace DIR."
            )

    def _unusable(self, error: OSError) -> InputError:
        """Return the error for a workspace that cannot be locked."""
        if error.errno in NO_LOCKS:
            return InputError(
                f"workspace {self.root} cannot be locked: {error.strerror}. Its file system has no "
                "file locks. Start the lock service of the network folder, or give a workspace on "
                "another disk with --workspace DIR."
            )
        return InputError(
            f"workspace {self.root} cannot be written: {error.strerror}. "
            "Give another one with --workspace DIR."
        )

    def _remove_if_still_unused(self, kept: list[Path]) -> None:
        """Remove lock, listings and workspace, unless in `kept`, if they hold nothing else."""
        with contextlib.suppress(OSError):
            if self.inputs.exists() and self.inputs not in kept:
                self.inputs.rmdir()
            used = (self.root / mark for mark in WORKSPACE_MARKS if mark != _LOCK)
            if not any(path.exists() for path in used):
                (self.root / _LOCK).unlink()
                if self.root not in kept:
                    self.root.rmdir()
