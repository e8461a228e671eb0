"""Searches over small data, with trainings that are real."""

import errno
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf
from trainer_fixtures import fn_args

from trainer_module.contract.errors import InputError
from trainer_module.tuning.search_result import SearchResult, read_result
from trainer_module.tuning.trial_tuner import FatalTrialError, TrialTuner
from trainer_module.tuning.tuning import tuner_fn

pytestmark = [pytest.mark.component, pytest.mark.usefixtures("registered")]

#: Without fine-tuning a trial takes a second.
FROZEN_ONLY = {"fine_tuning": {"epochs": 0}}


def arguments(folder: Path, training: dict, **settings: object) -> SimpleNamespace:
    """Return the `FnArgs` of `tuner_fn`."""
    args = fn_args(folder, training)
    args.working_dir = str(folder / "tmp")
    args.custom_config |= {
        "search_folder": str(folder / "search"),
        "result": str(folder / "result.json"),
        "seconds": 300,
        "max_trials": 3,
    }
    args.custom_config |= settings
    return args


def search(args: SimpleNamespace) -> tuple[TrialTuner, SearchResult]:
    """Search as TFX's Tuner does."""
    tuner, options = tuner_fn(args)
    tuner.search(**options)
    return tuner, read_result(Path(args.custom_config["result"]))


def test_the_first_trial_is_the_config_and_the_others_differ(tmp_path):
    args = arguments(tmp_path, {"fine_tuning": {"epochs": 2, "views": 2, "batch_size": 8}})
    tuner, result = search(args)
    first, *others = result.trials
    assert first.values["fine_tuning.epochs"] == 2
    assert first.values["fine_tuning.learning_rate"] == 1.2e-3
    assert len(others) == 2
    assert all(other.values != first.values for other in others)
    assert set(first.domain_accuracy) == {"day", "night"}
    assert len(first.curve) == 2
    # What TFX writes into its HyperParameters artifact.
    [best] = tuner.get_best_hyperparameters()
    assert best.get_config()["values"] == result.best_trial.values


def test_a_later_search_continues_and_trains_no_trial_again(tmp_path):
    args = arguments(tmp_path, FROZEN_ONLY, max_trials=2)
    _, before = search(args)
    args.custom_config["max_trials"] = 3
    _, after = search(args)
    assert after.trials[:2] == before.trials
    assert [trial.number for trial in after.trials] == [0, 1, 2]


def test_too_little_time_for_one_trial_is_an_error_that_says_so(tmp_path):
    tuner, options = tuner_fn(arguments(tmp_path, FROZEN_ONLY, seconds=0))
    with pytest.raises(InputError, match="too short for one trial"):
        tuner.search(**options)


def test_the_time_limit_ends_a_trial_within_an_epoch_and_the_finished_ones_count(
    tmp_path, monkeypatch
):
    args = arguments(tmp_path, FROZEN_ONLY, max_trials=None)
    tuner, options = tuner_fn(args)
    finish = tuner._finish

    def finish_and_use_up(*finished: object) -> None:
        finish(*finished)
        monkeypatch.setattr(tuner, "_end", 0)
        monkeypatch.setattr(tuner, "_is_over", lambda: False)

    monkeypatch.setattr(tuner, "_finish", finish_and_use_up)
    monkeypatch.setattr(tuner.oracle, "_is_over", lambda: False)
    tuner.search(**options)
    assert len(read_result(tmp_path / "result.json").trials) == 1


def test_an_interrupt_keeps_the_finished_trials(tmp_path, monkeypatch):
    args = arguments(tmp_path, FROZEN_ONLY, max_trials=None)
    tuner, options = tuner_fn(args)
    train = tuner._trainer.train

    def train_once(number: int, *rest: object) -> object:
        if number:
            raise KeyboardInterrupt
        return train(number, *rest)

    monkeypatch.setattr(tuner._trainer, "train", train_once)
    tuner.search(**options)
    assert len(read_result(tmp_path / "result.json").trials) == 1


def with_failures(
    tuner: TrialTuner, monkeypatch: pytest.MonkeyPatch, errors: dict[int, Exception]
) -> list[int]:
    """Make trials fail by their numbers; return the list of those that are trained, as they are."""
    train, trained = tuner._trainer.train, []

    def train_but_some(number: int, *rest: object) -> object:
        trained.append(number)
        if number in errors and (number or len(trained) > 1):
            raise errors[number]
        return train(number, *rest)

    monkeypatch.setattr(tuner._trainer, "train", train_but_some)
    return trained


def test_combinations_that_fail_one_after_the_other_do_not_end_the_search(tmp_path, monkeypatch):
    tuner, options = tuner_fn(arguments(tmp_path, FROZEN_ONLY, max_trials=6))
    full = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
    errors = {1: full, 2: InputError("a bad option"), 3: ValueError("two\nlines"), 4: full}
    trained = with_failures(tuner, monkeypatch, errors)
    tuner.search(**options)
    trials = read_result(tmp_path / "result.json").trials
    assert [trial.status for trial in trials] == ["complete", *["failed"] * 4, "complete"]
    assert [trial.error for trial in trials[1:5]] == [
        "out of memory: ResourceExhaustedError",
        "a bad option",
        "ValueError: lines",
        "out of memory: ResourceExhaustedError",
    ]
    assert trained == [0, 1, 2, 3, 0, 4, 5]  # the config as given still trains after three


def test_a_fault_of_all_trials_ends_the_search_with_the_reason(tmp_path, monkeypatch):
    args = arguments(tmp_path, FROZEN_ONLY, max_trials=None)
    tuner, options = tuner_fn(args)
    lost = OSError(errno.EIO, "Input/output error")
    trained = with_failures(tuner, monkeypatch, dict.fromkeys(range(9), lost))
    with pytest.raises(FatalTrialError) as error:
        tuner.search(**options)
    assert str(error.value) == (
        "the last 3 trials failed, and so does the config as given, which trained before: "
        "OSError: [Errno 5] Input/output error"
    )
    assert trained == [0, 1, 2, 3, 0]
    args.custom_config["max_trials"] = 5
    assert [trial.status for trial in search(args)[1].trials] == [
        "complete",
        *["failed"] * 3,
        "complete",
    ]


def test_a_first_trial_that_fails_ends_the_search_with_the_reason(tmp_path, monkeypatch):
    tuner, options = tuner_fn(arguments(tmp_path, FROZEN_ONLY))

    def fail(*_: object) -> None:
        raise ValueError("no numbers")

    monkeypatch.setattr(tuner._trainer, "train", fail)
    with pytest.raises(FatalTrialError, match="ValueError: no numbers"):
        tuner.search(**options)


def test_a_journal_that_cannot_be_written_ends_the_search(tmp_path, monkeypatch):
    tuner, options = tuner_fn(arguments(tmp_path, FROZEN_ONLY, max_trials=None))
    shutil.rmtree(tmp_path / "search")
    (tmp_path / "search").write_text("no folder")
    with pytest.raises(FatalTrialError, match=r"a trial cannot be kept: .*Not a directory"):
        tuner.search(**options)
