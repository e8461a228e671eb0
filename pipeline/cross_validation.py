"""`carryover crossval`: the accuracy to expect in a domain that the model has never seen."""

from pathlib import Path
from statistics import mean, pstdev
from typing import TYPE_CHECKING

from pydantic import BaseModel
from rich import box
from rich.markup import escape
from rich.table import Table

from pipeline.config.run_config import RunConfig
from pipeline.running.partial_run import partial_run
from pipeline.running.run import Run, environment
from trainer_module.contract.errors import InputError
from trainer_module.multi_worker.tf_config import VARIABLE, read_cluster

if TYPE_CHECKING:
    from trainer_module.leave_one_domain_out import Fold

#: The component that gives the pictures; nothing behind it runs.
LAST = "Transform"


class HeldOut(BaseModel):
    """Accuracy on a domain that was left out, or the mean of all of them; one value per seed.

    Attributes:
        images: that were scored.
        frozen_accuracy: of a new head on the frozen backbone.
        accuracy: of the model that a run would have exported.
        chosen: the stage that it came from; empty for the mean.
        mean_accuracy: over seeds.
        spread: standard deviation over seeds (of the population).
    """

    images: int
    frozen_accuracy: list[float]
    accuracy: list[float]
    chosen: list[str]
    mean_accuracy: float
    spread: float


class CrossValidation(BaseModel):
    """`crossval.json`.

    Attributes:
        seeds: in the order of all lists.
        domains: by name.
        mean: over domains.
        environment: see `pipeline.summary.summary_schema.Summary`.
        seconds: per component; `Training` is all folds.
    """

    seeds: list[int]
    domains: dict[str, HeldOut]
    mean: HeldOut
    environment: dict[str, str | int | None]
    seconds: dict[str, float]


def cross_validate_data(config: RunConfig, seeds: int, output: Path) -> CrossValidation:
    """Leave each domain out in turn, train on the others, and score the one left out.

    The test split is not touched: what is scored are the domain's training and eval pictures, of
    which its own fold has seen none.

    Args:
        config: of the run that is meant.
        seeds: trainings per domain, from the config's seed on.
        output: folder for `crossval.json`.

    Raises:
        InputError: the pictures or the config cannot be used, the workspace is in use, or
            `TF_CONFIG` names others to train with.
        RunFailedError: a component failed.
    """
    if read_cluster().is_several:
        raise InputError(f"crossval trains in one process. Unset {VARIABLE} for it.")
    with partial_run("crossval", config, output) as run:
        result = _cross_validate(run, [config.seed + number for number in range(seeds)])
        path = run.folder / "crossval.json"
        path.write_text(result.model_dump_json(indent=1) + "\n")
        console = run.reporter.console
        console.print(_table(result), highlight=False)
        console.print(f"every fold: {path}", highlight=False, soft_wrap=True, markup=False)
    return result


def _cross_validate(run: Run, seeds: list[int]) -> CrossValidation:
    with run.component("Loading TFX"):
        from pipeline.running.component_launches import launch_to
        from pipeline.running.preparation import prepare
        from trainer_module.hardware import set_up_hardware
        from trainer_module.leave_one_domain_out import cross_validate

        launcher, _ = prepare(run)
    examples = launch_to(run, launcher, LAST)[LAST]["transformed_examples"]
    train, evaluation = ([f"{examples}/Split-{split}/*"] for split in ("train", "eval"))
    with run.component("Training"):
        folds = list(cross_validate(train, evaluation, run.config, seeds, str(run.folder)))
    run.finish()
    device = set_up_hardware(run.config.precision).description
    return _summarise(folds, environment(run.config.seed, device), run.seconds)


def _summarise(
    folds: list["Fold"], made_with: dict[str, str | int | None], seconds: dict[str, float]
) -> CrossValidation:
    """Figures per domain and their mean; folds come seed by seed."""
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
        environment=made_with,
        seconds=seconds,
    )


def _means(columns: list[list[float]]) -> list[float]:
    """Mean over domains, per seed."""
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
        table.add_row(escape(name), *_cells(domain))
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
