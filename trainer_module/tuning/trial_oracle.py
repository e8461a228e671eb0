"""Bayesian optimisation of the options, with the config as given as the first trial."""

from collections.abc import Callable, Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from trainer_module.tuning.trial_journal import TrialRecord
from trainer_module.tuning.trial_values import rounded

#: Name of the value to maximise.
OBJECTIVE = "score"

#: Number of trials with random values before a Gaussian process proposes them.
RANDOM_TRIALS = 8

#: Variance of the noise of scores, relative to their variance: small eval splits are noisy.
NOISE = 0.1

#: Number of trials without `max_trials`. TFX sorts this many of them.
MOST_TRIALS = 10_000


class TrialOracle(keras_tuner.oracles.BayesianOptimizationOracle):
    """Proposes the config as given, then random values, then what a Gaussian process expects most.

    It continues from the trials of earlier searches.
    """

    def __init__(
        self,
        space: keras_tuner.HyperParameters,
        earlier: Sequence[TrialRecord],
        max_trials: int | None,
        seed: int,
        is_over: Callable[[], bool],
    ) -> None:
        """Take over the trials of earlier searches.

        Args:
            space: Options to search, see `search_space`.
            earlier: Trials of earlier searches in the same space.
            max_trials: Number of trials, earlier ones included; None for any.
            seed: Seed of the values.
            is_over: Function that returns whether no further trial shall begin.
        """
        super().__init__(
            objective=keras_tuner.Objective(OBJECTIVE, "max"),
            max_trials=max_trials or MOST_TRIALS,
            num_initial_points=RANDOM_TRIALS,
            alpha=NOISE,
            # A combination of options may fail; the tuner ends a search in which nothing works.
            max_consecutive_failed_trials=MOST_TRIALS,
            # KerasTuner takes 0 for no seed. A continued search draws other values.
            seed=1 + seed + len(earlier),
            hyperparameters=space,
            allow_new_entries=False,
            tune_new_entries=False,
        )
        self._is_over = is_over
        for record in earlier:
            self._take_over(record)

    def _take_over(self, record: TrialRecord) -> None:
        parameters = self.hyperparameters.copy()
        parameters.values = dict(record.values)
        is_failed = record.status == "failed"
        status = TrialStatus.FAILED if is_failed else TrialStatus.COMPLETED
        trial = Trial(parameters, trial_id=f"{record.number:05d}", status=status)
        trial.score = record.score
        self.trials[trial.trial_id] = trial
        self.start_order.append(trial.trial_id)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the values of the next trial, as KerasTuner defines it."""
        if self._is_over():
            return {"status": TrialStatus.STOPPED, "values": None}
        if not self.trials:
            defaults = {one.name: one.default for one in self.hyperparameters.space}
            return {"status": TrialStatus.RUNNING, "values": defaults}
        response = self._propose(trial_id)
        tried = [trial.hyperparameters.values for trial in self.trials.values()]
        if response["values"] in tried:  # the same training again: a random trial tells more
            self.num_initial_points = MOST_TRIALS
            response = self._propose(trial_id)
            self.num_initial_points = RANDOM_TRIALS
        return response

    def _propose(self, trial_id: str) -> dict[str, Any]:
        response: dict[str, Any] = super().populate_space(trial_id)
        values = response["values"]
        return response | {"values": rounded(values) if values else None}
