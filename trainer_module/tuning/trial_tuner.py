"""KerasTuner's loop over trials, within a time limit and with early stopping."""

import functools
import logging
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial

from trainer_module.contract.errors import InputError, safe_message
from trainer_module.contract.output_text.wording import counted
from trainer_module.stages import fine_tuning_stage, frozen_stage
from trainer_module.training_options import TrainingOptions
from trainer_module.tuning.best_trial import select_trial, standard_errors
from trainer_module.tuning.early_stopping import is_hopeless
from trainer_module.tuning.search_result import SearchResult
from trainer_module.tuning.search_space import search_space
from trainer_module.tuning.trial_journal import TrialJournal, TrialRecord
from trainer_module.tuning.trial_oracle import OBJECTIVE, TrialOracle
from trainer_module.tuning.trial_training import TrialTrainer, quiet_stages
from trainer_module.tuning.trial_values import Values, changed_values, with_values

logger = logging.getLogger("carryover.tuning")

#: Number of trials that fail one after the other before the config as given is trained again, to
#: find out whether their options are to blame.
FAILED_TRIALS = 3


class TimeIsUpError(keras_tuner.errors.FatalError):
    """The time limit was reached in the middle of a trial. KerasTuner passes it on."""


class FatalTrialError(keras_tuner.errors.FatalError):
    """All trials fail, whatever their options are."""


class StillTrainsError(Exception):
    """The config as given has come to its last stage again."""


class HopelessTrialError(Exception):
    """A trial is below the median of the others."""


class TrialTuner(BaseTuner):
    """Tuner whose trials are trainings of both stages; TFX's Tuner runs it.

    Finished trials are in the journal, and a later search continues after them. KerasTuner's own
    files are not read again: a killed process may leave half of one.
    """

    def __init__(
        self,
        trainer: TrialTrainer,
        options: TrainingOptions,
        domains: int,
        journal: TrialJournal,
        *,
        end: float,
        max_trials: int | None,
        result_file: Path,
        directory: str,
    ) -> None:
        """Prepare a search.

        Args:
            trainer: Trainer of the trials.
            options: Options as configured.
            domains: Number of domains in the train split.
            journal: Journal of the search, with the trials of earlier calls.
            end: Time limit, a reading of `time.monotonic`.
            max_trials: Number of trials, earlier ones included; None for any.
            result_file: File for the result.
            directory: Folder for the files of KerasTuner.
        """
        self._trainer, self._options, self._journal = trainer, options, journal
        self._end, self._result_file = end, result_file
        self._records = journal.read()
        self._failed = 0
        self._space = search_space(options, trainer.blocks, domains)
        oracle = TrialOracle(self._space, self._records, max_trials, options.seed, self._is_over)
        super().__init__(oracle, directory=directory, project_name="trials", overwrite=True)

    def search(self, *arguments: Any, **options: Any) -> None:
        """Run trials until the time is up, or until Ctrl-C, and write the result.

        Raises:
            InputError: The time was too short for the trial with the config as given.
            FatalTrialError: The trial with the config as given failed, at first or when it was
                retried after other failures. Finished trials are in the journal.
            KeyboardInterrupt: Ctrl-C came before that trial had finished.
        """
        if self._records:
            logger.info("continuing after %s", counted(len(self._records), "trial"))
        try:
            with quiet_stages():
                super().search(*arguments, **options)
        except TimeIsUpError:
            logger.info("the time is up: the trial that ran does not count")
        except KeyboardInterrupt:
            if not self._records:
                raise
            logger.info("interrupted: the trial that ran does not count")
        if not self._records:
            raise InputError(
                "the time was too short for one trial with the config as given. Give more with "
                "--minutes, or a smaller image_size or fewer fine_tuning.epochs."
            )
        self.result.write(self._result_file)

    def run_trial(self, trial: Trial, **_: Any) -> dict[str, float]:
        """Train one trial, and add it to the journal.

        Returns:
            Its accuracy on the eval split by the criterion, for KerasTuner.
        """
        values = dict(trial.hyperparameters.values)
        record = TrialRecord(number=int(trial.trial_id), values=values, status="complete")
        changes = describe_values(changed_values(self._options, values))
        logger.info("trial %s: %s", record.number, changes or "the config as given")
        start = time.perf_counter()
        try:
            record, logits = self._train(record, with_values(self._options, values))
        except TimeIsUpError:
            raise
        except Exception as error:
            if not self._records:  # nothing can be compared without the config as given
                raise FatalTrialError(describe_failure(error)) from error
            print(traceback.format_exc(), file=sys.stderr)
            failure = {"status": "failed", "error": describe_failure(error)}
            self._finish(record.model_copy(update=failure), start)
            self._check_common_fault()
            raise  # KerasTuner goes on
        self._failed = 0
        self._finish(record, start, logits)
        return {OBJECTIVE: record.score or 0.0}

    def _check_common_fault(self) -> None:
        """End the search if trials fail one after the other, and the config as given fails, too.

        It is trained up to the first epoch of its last stage.

        Raises:
            FatalTrialError: The training fails.
            TimeIsUpError: The time is up.
        """
        self._failed += 1
        if self._failed % FAILED_TRIALS:
            return
        logger.info("%s failed: checking that the config as given still trains", self._failed)
        has_fine_tuning = self._options.fine_tuning.epochs > 0
        last = fine_tuning_stage.NAME if has_fine_tuning else frozen_stage.NAME

        def observe(stage: str, _epoch: int, _metrics: dict[str, float]) -> None:
            if time.monotonic() >= self._end:
                raise TimeIsUpError
            if stage == last:
                raise StillTrainsError

        try:
            self._trainer.train(0, self._options, observe)
        except (StillTrainsError, TimeIsUpError) as end:
            if isinstance(end, TimeIsUpError):
                raise
        except Exception as error:
            raise FatalTrialError(
                f"the last {counted(self._failed, 'trial')} failed, and so does the config as "
                f"given, which trained before: {describe_failure(error)}"
            ) from error

    def _train(
        self, record: TrialRecord, options: TrainingOptions
    ) -> tuple[TrialRecord, npt.NDArray[np.float32] | None]:
        """Train a trial to its end, or until it is hopeless; return its record and logits."""
        curve: list[float] = []
        epochs = options.fine_tuning.epochs
        earlier = [one.curve for one in self._records if one.status == "complete"]

        def observe(stage: str, epoch: int, metrics: dict[str, float]) -> None:
            if time.monotonic() >= self._end:
                raise TimeIsUpError
            if stage != fine_tuning_stage.NAME:
                return
            curve.append(metrics["eval"])
            if record.number and is_hopeless(curve, epochs, earlier):
                raise HopelessTrialError

        update: dict[str, Any] = {"curve": curve, "epochs": epochs}
        try:
            result = self._trainer.train(record.number, options, observe)
        except HopelessTrialError:
            update |= {"status": "stopped", "score": curve[-1]}
            return record.model_copy(update=update), None
        update |= {
            "score": result.score.by(options.criterion),
            "domain_accuracy": result.score.domain_accuracy,
            "chosen": result.name,
        }
        return record.model_copy(update=update), result.logits

    def _finish(
        self,
        record: TrialRecord,
        start: float,
        logits: npt.NDArray[np.float32] | None = None,
    ) -> None:
        """Write a trial to the journal, and tell the user."""
        record = record.model_copy(update={"seconds": time.perf_counter() - start})
        try:
            self._journal.add(record, logits)
        except OSError as error:  # no later trial would be kept either
            raise FatalTrialError(f"a trial cannot be kept: {error}") from error
        self._records.append(record)
        best = max((one for one in self._records if one.status == "complete"), key=_score)
        left = max(0.0, self._end - time.monotonic()) / 60
        logger.info(
            "trial %s: %s; best %.3f in trial %s; %.1f minutes left",
            record.number,
            describe_end(record),
            best.score,
            best.number,
            left,
        )

    def _is_over(self) -> bool:
        """Return whether the time that is left is too short for another trial."""
        complete = [one.seconds for one in self._records if one.status == "complete"]
        return time.monotonic() + min(complete, default=0) > self._end

    @functools.cached_property
    def result(self) -> SearchResult:
        """All trials, and the best of them; the trials must have ended."""
        complete = [one for one in self._records if one.status == "complete"]
        default, *others = (self._journal.logits(one.number) for one in complete)
        rows = self._trainer.eval_rows()
        position = select_trial(default, others, rows)
        best = complete[0 if position is None else position + 1]
        return SearchResult(
            criterion=rows.criterion,
            eval_images=len(rows.targets),
            trials=self._records,
            best=best.number,
            changes=changed_values(self._options, best.values),
            margin=standard_errors(len(others)),
            seconds=sum(one.seconds for one in self._records),
        )

    def get_best_hyperparameters(self, num_trials: int = 1) -> list[keras_tuner.HyperParameters]:
        """Return the values of the best trial, which are those of the config if none is better.

        Args:
            num_trials: Ignored: only one trial is selected by more than its score.
        """
        best = self._space.copy()
        best.values = dict(self.result.best_trial.values)
        return [best]


def describe_values(values: Values) -> str:
    """Return values by key as a text for people; empty without values."""
    return ", ".join(f"{key} {value}" for key, value in values.items())


def describe_failure(error: Exception) -> str:
    """Return one line on why a trial failed; the log has the traceback."""
    if isinstance(error, InputError):
        return str(error)
    kind = type(error).__name__
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        return f"out of memory: {kind}"  # TensorFlow's message is a list of operations
    lines = str(error).strip().splitlines()
    return safe_message(f"{kind}: {lines[-1]}" if lines else kind)


def describe_end(record: TrialRecord) -> str:
    """Return how a trial ended, a text for people."""
    if record.status == "failed":
        return f"failed ({record.error})"
    if record.status == "stopped":
        return f"stopped at {record.score:.3f} after {len(record.curve)} of {record.epochs} epochs"
    return f"{record.score:.3f}"


def _score(record: TrialRecord) -> float:
    return record.score or 0.0
