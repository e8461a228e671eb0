"""Result of a search, which the command reads."""

from pathlib import Path

from pydantic import BaseModel

from trainer_module.contract.atomic_write import atomic_write
from trainer_module.training_options import Criterion
from trainer_module.tuning.trial_journal import TrialRecord


class SearchResult(BaseModel):
    """All trials of a search, and the best of them.

    Attributes:
        criterion: Accuracy that was compared.
        eval_images: Number of pictures in the eval split.
        trials: Trials in the order of their numbers; the first one has the config as given.
        best: Number of the best trial; 0 if none is better than the first by more than chance
            explains.
        changes: Values of the best trial that differ from the config, by dotted key.
        margin: Standard errors by which the best trial had to be better, see
            `best_trial.standard_errors`.
        seconds: Duration of all trials in seconds.
    """

    criterion: Criterion
    eval_images: int
    trials: list[TrialRecord]
    best: int
    changes: dict[str, int | float | str]
    margin: float
    seconds: float

    @property
    def default_trial(self) -> TrialRecord:
        """The trial with the config as given."""
        return self.trials[0]

    @property
    def best_trial(self) -> TrialRecord:
        """The best trial, which may be the default."""
        return self.trials[self.best]

    def write(self, path: Path) -> None:
        """Write the result as JSON."""
        atomic_write(path, self.model_dump_json(indent=1) + "\n")


def read_result(path: Path) -> SearchResult:
    """Read the result of a search from its file."""
    return SearchResult.model_validate_json(path.read_bytes())
