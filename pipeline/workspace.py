"""The folder that holds everything a run writes."""

import contextlib
import datetime
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock
import yaml

from components.pusher.version_store import VersionStore
from pipeline.config.run_config import RunConfig
from trainer_module.contract.errors import InputError

#: In the folder of a run that retrains: digest of its batch.
BATCH = "batch"


@dataclass(frozen=True)
class Workspace:
    """Where things are.

    Attributes:
        root: absolute path of the folder.
    """

    root: Path

    @property
    def runs(self) -> Path:
        """One folder per run: its config and its summary."""
        return self.root / "runs"

    @property
    def inputs(self) -> Path:
        """Listings of pictures and schemas, each named by its digest."""
        return self.root / "inputs"

    @property
    def batches(self) -> Path:
        """Our own copies of batches, each named by its digest."""
        return self.root / "batches"

    @property
    def metadata(self) -> Path:
        """ML Metadata's records: which artifact came from which."""
        return self.root / "metadata.sqlite"

    @property
    def rendezvous(self) -> Path:
        """Folder in which the chief publishes a training that workers can join."""
        return self.root / "training"

    def exports(self, name: str, version: int) -> Path:
        """What a version of a model was converted to, with its figures."""
        return self.root / "exports" / name / str(version)

    def log(self, run_id: str) -> Path:
        """Everything that the libraries said during a run."""
        return self.root / "logs" / f"{run_id}.log"

    def baseline_uri(self, store: VersionStore, version: int) -> Path:
        """A version in the layout of a TFX Model artifact: a link beside the serving directory."""
        folder = self.root / "baselines" / store.name / str(version)
        link = folder / "Format-Serving"
        if not link.is_symlink():
            folder.mkdir(parents=True, exist_ok=True)
            # Relative, so that a workspace can be moved.
            link.symlink_to(os.path.relpath(store.path(version), folder))
        return folder

    def new_run(self, config: RunConfig, batch: str | None = None) -> str:
        """Make a run's folder, with the config that it runs under; returns the run id.

        Args:
            config: of the run.
            batch: digest of the batch that it is for, if it is for one.
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
        text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
        (self.runs / run_id / "config.yaml").write_text(text, encoding="utf-8")
        if batch:
            (self.runs / run_id / BATCH).write_text(f"{batch}\n")
        return run_id

    def unfinished_run(self) -> str | None:
        """The newest run, if it has no summary: it was killed, or it is running now."""
        runs = sorted(path for path in self.runs.glob("*") if path.is_dir())
        if not runs or (runs[-1] / "summary.json").exists():
            return None
        return runs[-1].name

    def unfinished_config(self) -> Path:
        """The config of the run to go on with.

        Raises:
            InputError: the newest run has ended, or there is none.
        """
        run_id = self.unfinished_run()
        if run_id is None:
            raise InputError(f"workspace {self.root} has no unfinished run. Leave --resume out.")
        if (self.runs / run_id / BATCH).exists():
            raise InputError(
                f"run {run_id} in workspace {self.root} was a retraining. Go on with carryover "
                "retrain."
            )
        return self.runs / run_id / "config.yaml"

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other runs out; a lock of a killed process is free at once.

        Raises:
            InputError: another run holds it, or the folder cannot be written.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            holder = filelock.FileLock(self.root / ".lock")
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
        finally:
            holder.release()
