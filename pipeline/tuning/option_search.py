"""`carryover tune`: search the options of the trainer for one data set."""

from functools import partial
from pathlib import Path

from pipeline.config.run_config import RunConfig
from pipeline.running.partial_run import partial_run
from pipeline.running.run import Run
from pipeline.terminal.safe_console import plain
from pipeline.terminal.table_printing import print_table
from pipeline.tuning.search_table import search_table, verdict
from pipeline.tuning.tuned_config import tuned_config, write_tuned_config
from trainer_module.contract.errors import InputError
from trainer_module.multi_worker.tf_config import VARIABLE, read_cluster
from trainer_module.tuning.search_result import SearchResult, read_result

#: Files in the folder of `--output`: the config, and the result with every trial.
CONFIG_FILE, RESULT_FILE = "tuned.yaml", "tuning.json"


def search_options(
    config: RunConfig, minutes: float, max_trials: int | None, output: Path
) -> SearchResult:
    """Search the options of the trainer, and write a config file with the best ones.

    Trials learn from the train split, and the best one is selected on the eval split. The test
    split is not used. Where the workspace has trials of an earlier call with the same pictures,
    options and code, the search continues after them.

    Args:
        config: Config of the run that the user is preparing.
        minutes: Time limit, without the components before the Tuner.
        max_trials: Number of trials, those of earlier calls included; None for any.
        output: Folder for `tuned.yaml` and `tuning.json`.

    Raises:
        InputError: The pictures or the config are unusable, the workspace is in use, the time is
            too short for one trial, or `TF_CONFIG` names other processes.
        RunFailedError: A component failed.
    """
    if read_cluster().is_distributed:
        raise InputError(f"tune trains in one process. Unset {VARIABLE} and run it again.")
    given = _with_absolute_paths(config)
    with partial_run("tune", config, output) as run:
        result = _search(run, minutes, max_trials)
        tuned = tuned_config(given, result.changes)
        path = write_tuned_config(run.folder / CONFIG_FILE, tuned, given, result)
        console = run.progress.console
        print_table(console, search_table(result))
        for line in (verdict(result), f"config: {path}"):
            console.print(plain(line), highlight=False, soft_wrap=True)
    return result


def _with_absolute_paths(config: RunConfig) -> RunConfig:
    """Return a config whose paths hold in any file; a workspace that is not given stays so."""
    if "workspace" in config.model_fields_set:
        return config.resolved()
    return config.resolved().model_copy(update={"workspace": config.workspace})


def _search(run: Run, minutes: float, max_trials: int | None) -> SearchResult:
    with run.component("Loading TFX"):
        from pipeline.running.launch_components import launch_components
        from pipeline.running.prepare_launcher import prepare_launcher
        from pipeline.tuning.tuning_pipeline import SearchLimits, create_tuning_pipeline

        limits = SearchLimits(minutes, max_trials)
        create = partial(create_tuning_pipeline, limits=limits, result=run.folder / RESULT_FILE)
        # Trials start from the pretrained weights, whatever serves.
        launcher, _ = prepare_launcher(run, has_baseline=False, create=create)
    launch_components(run, launcher)
    run.finish()
    return read_result(run.folder / RESULT_FILE)
