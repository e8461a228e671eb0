"""The result of a search for people: a table of the best trials, and what it says."""

from rich import box
from rich.table import Table

from pipeline.terminal.safe_console import plain
from trainer_module.contract.output_text.wording import counted
from trainer_module.tuning.search_result import SearchResult
from trainer_module.tuning.trial_journal import TrialRecord

#: Number of trials in the table, besides the default.
MOST_ROWS = 8


def search_table(result: SearchResult) -> Table:
    """Return a table of the trial with the config as given, and of the best others."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("trial", "eval", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("ended", no_wrap=True)
    table.add_column("changed", overflow="fold")
    default, *others = result.trials
    finished = [one for one in others if one.status == "complete"]
    rows = sorted(finished, key=lambda one: -(one.score or 0.0))[:MOST_ROWS]
    for trial in (default, *rows):
        table.add_row(*_cells(trial, result))
    table.caption = describe_search(result)[0]
    table.caption_justify = "left"
    return table


def _cells(trial: TrialRecord, result: SearchResult) -> tuple[str, ...]:
    score = f"{trial.score:.3f}"
    number = f"{trial.number} <" if trial.number == result.best else str(trial.number)
    default = result.default_trial.values
    changes = [f"{key} {value}" for key, value in trial.values.items() if value != default[key]]
    what = plain(", ".join(changes)) if trial.number else "nothing: the config as given"
    return number, score, f"{trial.seconds:,.0f}", trial.chosen, what


def describe_search(result: SearchResult) -> list[str]:
    """Return how many trials there were, how long they took, and on what they were compared."""
    counts = {
        status: sum(one.status == status for one in result.trials)
        for status in ("stopped", "failed")
    }
    ends = [f"{count} {status}" for status, count in counts.items() if count]
    trials = counted(len(result.trials), "trial") + (f" ({', '.join(ends)})" if ends else "")
    return [
        f"{trials} in {result.seconds:,.0f} seconds; eval: {result.criterion} accuracy on the "
        f"{counted(result.eval_images, 'picture')} of the eval split"
    ]


def verdict(result: SearchResult) -> str:
    """Return which trial is best, and whether chance explains its advantage."""
    default = f"{result.default_trial.score:.3f} of the config as given"
    if result.best:
        return (
            f"trial {result.best} has {result.best_trial.score:.3f}, more than chance explains "
            f"against {default}"
        )
    complete = [one for one in result.trials[1:] if one.status == "complete"]
    if not complete:
        return f"no other trial is complete: {default}"
    best = max(complete, key=lambda one: one.score or 0.0)
    return (
        f"nothing is changed: no trial beats the {default} by more than chance explains "
        f"({result.margin:.1f} standard errors); the highest is {best.score:.3f} of trial "
        f"{best.number}"
    )
