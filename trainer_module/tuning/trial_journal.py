"""Finished trials of a search in files, from which a later call continues."""

import io
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.workspace_files.state_files import reading

#: How a trial ended: `stopped` is hopeless, by its first epochs.
Status = Literal["complete", "stopped", "failed"]


class TrialRecord(BaseModel):
    """A trial that has ended.

    Attributes:
        number: Number of the trial; 0 is the config as given.
        values: Value of every option in the search space, by dotted key.
        status: How it ended.
        score: Accuracy on the eval split by the criterion; for a stopped trial that after its last
            epoch. None for a failed trial.
        domain_accuracy: Accuracy on the eval split by domain; empty if it is not complete.
        chosen: Stage that a run would export, `frozen` or `fine_tuned`; empty if not complete.
        curve: Accuracy on the eval split after every epoch of fine-tuning.
        epochs: Number of epochs of fine-tuning that the options give.
        seconds: Duration in seconds.
        error: Last line of the error of a failed trial.
    """

    number: int
    values: dict[str, int | float | str]
    status: Status
    score: float | None = None
    domain_accuracy: dict[str, float] = {}
    chosen: str = ""
    curve: list[float] = []
    epochs: int = 0
    seconds: float = 0.0
    error: str = ""


class TrialJournal:
    """Folder with a record of every finished trial, and the logits of complete ones.

    A file is written in one step, the record last, so a killed process leaves whole trials only.
    """

    def __init__(self, folder: Path) -> None:
        """Create the folder if it does not exist.

        Args:
            folder: Folder of one search: of one data set, config and code.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._remedy = f"Remove the folder {folder}, and search anew."

    def add(self, record: TrialRecord, logits: npt.NDArray[np.float32] | None = None) -> None:
        """Write a finished trial.

        Args:
            record: Record of the trial.
            logits: Logits of the eval split, float32 [rows, classes]; None if it is not complete.
        """
        if logits is not None:
            content = io.BytesIO()
            np.save(content, logits, allow_pickle=False)
            atomic_write(self._path(record.number, "npy"), content.getvalue())
        atomic_write(self._path(record.number, "json"), record.model_dump_json(indent=1) + "\n")

    def read(self) -> list[TrialRecord]:
        """Return the records of all trials, in the order of their numbers.

        Raises:
            UnavailableError: A record or its logits are missing or damaged.
        """
        paths = sorted(self._folder.glob("trial-*.json"))
        records = []
        for number, path in enumerate(paths):
            with reading(path, "record of a trial", self._remedy):
                record = TrialRecord.model_validate_json(path.read_bytes())
                if record.number != number:
                    raise ValueError(f"trial {number} is missing")
                if record.status == "complete":
                    self.logits(number)
            records.append(record)
        return records

    def logits(self, number: int) -> npt.NDArray[np.float32]:
        """Return the logits of a complete trial, float32 [rows, classes]."""
        logits: npt.NDArray[np.float32] = np.load(self._path(number, "npy"), allow_pickle=False)
        return logits

    def _path(self, number: int, suffix: str) -> Path:
        return self._folder / f"trial-{number:05d}.{suffix}"
