"""`carryover crossval`: estimate the accuracy in a domain that the model has not seen."""

from pathlib import Path
from statistics import mean, pstdev
from typing import TYPE_CHECKING

from pydantic import BaseModel
from rich import box
from rich.table import Table

from pipeline import component_ids
from pipeline.config.run_config import RunConfig
from pipeline.running.partial_run import partial_run
from pipeline.running.run import Run
from pipeline.summary.environment import Environment, describe_environment
from pipeline.terminal.safe_console import plain
from pipeline.terminal.table_printing import print_table
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.errors import InputError
from trainer_module.multi_worker.tf_config import VARIABLE, read_cluster

if TYPE_CHECKING:
    from trainer_module.leave_one_domain_out import Fold

#: Last component that runs. Its output is the pictures to train on.
LAST = component_ids.TRANSFORM


class HeldOut(BaseModel):
    """Accuracy in one domain that was left out of the training, or the mean over all domains.

    Lists have one value per seed.

    Attributes:
        images: Number of evaluated pictures.
        frozen_accuracy: Accuracies after the frozen stage.
        accuracy: Accuracies of the model that a run would export.
        chosen: Stages of that model; empty for the mean over domains.
        mean_accuracy: Mean of `accuracy` over the seeds.
        spread: Population standard deviation of `accuracy` over the seeds.
    """

    images: int
    frozen_accuracy: list[float]
    accuracy: list[float]
    chosen: list[str]
    mean_accuracy: float
    spread: float


class CrossValidation(BaseModel):
    """Content of `crossval.json`.

    Attributes:
        seeds: Seeds, in the order of all lists.
        domains: Results by name of the domain.
        mean: Mean over the domains.
        environment: Versions and hardware, see `pipeline.summary.summary_schema.Summary`.
        seconds: Seconds per component; `Training` contains all folds.
    """

    seeds: list[int]
    domains: dict[str, HeldOut]
    mean: HeldOut
    environment: Environment
    seconds: dict[str, float]


def cross_validate_data(config: RunConfig, seeds: int, output: Path) -> CrossValidation:
    """Leave out each domain in turn, train on the others, and evaluate on the one left out.

    The test split is not used. Each model is evaluated on the train and eval pictures of the
    domain that it was not trained on.

    Args:
        config: Config of the run that the user is preparing.
        seeds: Number of trainings per domain. The seeds count up from the seed of the config.
        output: Folder for `crossval.json`.

    Raises:
        InputError: The pictures or the config are unusable, the workspace is in use, or
            `TF_CONFIG` names other processes.
        RunFailedError: A component failed.
    """
    if read_cluster().is_distributed:
        raise InputError(f"crossval trains in one process. Unset {VARIABLE} and run it again.")
    with partial_run("crossval", config, output) as run:
        result = _cross_validate(run, [config.seed + number for number in range(seeds)])
        path = run.folder / "crossval.json"
        atomic_write(path, result.model_dump_json(indent=1) + "\n")
        console = run.progress.console
        print_table(console, _table(result))
        console.print(plain(f"every fold: {path}"), highlight=False, soft_wrap=True)
    return result


def _cross_validate(run: Run, seeds: list[int]) -> CrossValidation:
    with run.component("Loading TFX"):
        from pipeline.running.launch_components import launch_components
        from pipeline.running.prepare_launcher import prepare_launcher
        from trainer_module.hardware import set_up_hardware
        from trainer_module.leave_one_domain_out import cross_validate

        # The trainings do not depend on the serving model.
        launcher, _ = prepare_launcher(run, has_baseline=False)
    examples = launch_components(run, launcher, LAST)[LAST]["transformed_examples"]
    train, evaluation = ([f"{examples}/Split-{split}/*"] for split in ("train", "eval"))
    with run.component("Training"):
        folds = list(cross_validate(train, evaluation, run.config, seeds, str(run.folder)))
    run.finish()
    device = set_up_hardware(run.config.precision).description
    return _summarise(folds, describe_environment(run.config.seed, device), run.seconds)


def _summarise(
    folds: list["Fold"], environment: Environment, seconds: dict[str, float]
) -> CrossValidation:
    """Return the results per domain and their mean. The folds are ordered by seed."""
    domains = {}
    for name in dict.fromkeys(fold.domain for fold in folds):
        own = [fold for fold in folds if fold.domain == name]
        domains[name] = _held_out(
            own[0].images,
            [fold.frozen_accuracy for fold in own],
            [fold.accuracy for fold in own],
            [fold.chosen for fold in own],
        )
    over_domains = _held_out(
        sum(domain.images for domain in domains.values()),
        _means([domain.frozen_accuracy for domain in domains.values()]),
        _means([domain.accuracy for domain in domains.values()]),
        [],
    )
    return CrossValidation(
        seeds=list(dict.fromkeys(fold.seed for fold in folds)),
        domains=domains,
        mean=over_domains,
        environment=environment,
        seconds=seconds,
    )


def _means(columns: list[list[float]]) -> list[float]:
    """Return the mean over the domains for every seed."""
    return [mean(values) for values in zip(*columns, strict=True)]


def _held_out(
    images: int, frozen: list[float], accuracy: list[float], chosen: list[str]
) -> HeldOut:
    return HeldOut(
        images=images,
        frozen_accuracy=frozen,
        accuracy=accuracy,
        chosen=chosen,
        mean_accuracy=mean(accuracy),
        spread=pstdev(accuracy),
    )


def _table(result: CrossValidation) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("never seen", overflow="fold")
    for name in ("images", "frozen", "accuracy", "spread"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, domain in result.domains.items():
        table.add_row(plain(name), *_cells(domain))
    table.add_section()
    table.add_row("mean", *_cells(result.mean))
    seeds = ", ".join(map(str, result.seeds))
    what = "mean and deviation over seeds" if len(result.seeds) > 1 else "seed"
    table.caption = f"trained on the other domains; {what} {seeds}"
    table.caption_justify = "left"
    return table


def _cells(one: HeldOut) -> tuple[str, ...]:
    spread = f"{one.spread:.3f}" if len(one.accuracy) > 1 else "-"
    accuracy = f"[bold]{one.mean_accuracy:.3f}[/bold]"
    return f"{one.images:,}", f"{mean(one.frozen_accuracy):.3f}", accuracy, spread
