"""Search of the best options of a training; TFX's Tuner calls `tuner_fn`."""

import time
from pathlib import Path
from typing import Any, NamedTuple

from keras_tuner.engine.base_tuner import BaseTuner

from trainer_module.data.transformed_examples import read_pictures
from trainer_module.hardware import set_up_hardware
from trainer_module.training_options import TrainingOptions
from trainer_module.tuning.trial_journal import TrialJournal
from trainer_module.tuning.trial_training import SearchData, TrialTrainer
from trainer_module.tuning.trial_tuner import TrialTuner


class TunerFnResult(NamedTuple):
    """What TFX's Tuner expects of `tuner_fn`: see `tfx.v1.components.TunerFnResult`.

    Attributes:
        tuner: Tuner whose `search` is called.
        fit_kwargs: Arguments of that call.
    """

    tuner: BaseTuner
    fit_kwargs: dict[str, Any]


def tuner_fn(fn_args: Any) -> TunerFnResult:
    """Return a tuner over the options of the trainer; TFX's Tuner calls this.

    The trainings start from the pretrained weights. They learn from the train split, and every
    choice is based on the eval split.

    Args:
        fn_args: TFX's `FnArgs`. Used are `train_files` and `eval_files` (patterns of transformed
            examples), `working_dir` (folder for temporary files) and `custom_config`, with the keys
            `training` (see `TrainingOptions`), `search_folder` (folder of this search, from which a
            later call continues), `result` (path for the result, see `SearchResult`), `seconds`
            (time limit, from now) and `max_trials` (None for any number).

    Raises:
        InputError: A split is empty, or an option does not fit the backbone or the hardware.
    """
    config = fn_args.custom_config
    end = time.monotonic() + config["seconds"]
    options = TrainingOptions.model_validate(config["training"])
    hardware = set_up_hardware(options.precision)
    data = SearchData(
        read_pictures(fn_args.train_files, options.image_size),
        read_pictures(fn_args.eval_files, options.image_size),
    )
    folder = Path(config["search_folder"])
    Path(fn_args.working_dir).mkdir(parents=True, exist_ok=True)
    tuner = TrialTuner(
        TrialTrainer(data, options, hardware, fn_args.working_dir),
        options,
        len(set(data.train.domains)),
        TrialJournal(folder),
        end=end,
        max_trials=config["max_trials"],
        result_file=Path(config["result"]),
        directory=fn_args.working_dir,
    )
    return TunerFnResult(tuner, {"verbose": 0})
