"""The ledger as a table on the terminal, and what a person can do about its batches."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from components.pusher.rollback_record import Rollback
from pipeline.retraining.batch import AWAITING, Batch
from pipeline.retraining.batch_model import find_model
from pipeline.retraining.current_reason import current_reason
from pipeline.retraining.unlabelled.label_commands import (
    deliver_once_more,
    label_awaited,
    select_and_label,
)
from pipeline.retraining.unlabelled.labels_since import labels_since
from pipeline.terminal.accept_command import accept_command
from pipeline.terminal.safe_console import plain
from pipeline.terminal.table_printing import print_table

#: Shown in place of the state of a batch whose version was rolled back.
ROLLED_BACK = "rolled back"

COLOURS = {
    "pushed": "green",
    "rejected": "red",
    "failed": "red",
    "held": "yellow",
    "awaiting_labels": "yellow",
    "waiting": "yellow",
    ROLLED_BACK: "yellow",
}

#: Rollbacks by the digest of the batch and the version, see `find_rollbacks`.
Rollbacks = Mapping[tuple[str | None, int | None], Rollback]

#: Batches for which the next step is shown, the newest ones.
MAX_STEPS = 3


def show_ledger(
    batches: Sequence[Batch], console: Console, rollbacks: Rollbacks | None = None
) -> None:
    """Print a row per batch.

    Args:
        batches: Batches in the order of arrival.
        console: Console to print to.
        rollbacks: Rollbacks of versions; None for none.
    """
    if not batches:
        console.print("no batch has arrived yet")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", justify="right")
    has_models = len({batch.model for batch in batches}) > 1
    for name in (*(["model"] if has_models else []), "batch", "taken", "outcome"):
        table.add_column(name, no_wrap=name == "taken")
    table.add_column("version", justify="right")
    table.add_column("why", overflow="fold")
    pushed = _serving(batches, rollbacks or {})
    for batch in batches:
        rollback = _find_rollback(batch, rollbacks or {})
        outcome = ROLLED_BACK if rollback else batch.state
        colour = COLOURS.get(outcome, "")
        outcome = f"[{colour}]{outcome}[/{colour}]" if colour else outcome
        # `carryover accept` needs the run.
        why = current_reason(batch, pushed)
        why += f" (run {batch.run_id})" if batch.state == "rejected" else ""
        why += f"; {rollback}" if rollback and rollback.rolled_back_at else ""
        outcome += f", replaced by {batch.replaced_by}" if batch.replaced_by else ""
        table.add_row(
            str(batch.number),
            *([plain(batch.model)] if has_models else []),
            plain(batch.name),
            batch.taken_at[:16].replace("T", " "),
            outcome,
            str(batch.version or ""),
            plain(why),
        )
    print_table(console, table, sentences="why")


def next_steps(
    batches: Sequence[Batch],
    workspace: Path,
    rollbacks: Rollbacks | None = None,
    name: str | None = None,
) -> list[str]:
    """Return what a person can do about batches that are in no version, as lines of text.

    A candidate can be accepted until another version is pushed, also one of an earlier batch.

    Args:
        batches: Batches in the order of arrival.
        workspace: Folder of the workspace.
        rollbacks: Rollbacks of versions; None for none.
        name: Name of the model; None for the one whose pass has taken a batch.
    """
    newest = {one.model: _end(one) for one in sorted(_serving(batches, rollbacks or {}), key=_end)}
    # Labels of a version that was rolled back are still there: its batch is delivered once more.
    decided = [batch for batch in batches if batch.state in ("pushed", "good_enough")]
    steps: list[list[str]] = []
    for batch in reversed(batches):
        if len(steps) >= MAX_STEPS:
            break
        is_newest = batch.model not in newest or _end(batch) > newest[batch.model]
        model = name or find_model(batch, batches, workspace)
        if batch.is_held_for_labels:
            what = f"If the labels of {batch.name} are right:"
            steps.append([what, accept_command(workspace, batch=batch.name)])
        elif batch.replaced_by is not None:
            continue
        elif is_newest and _find_rollback(batch, rollbacks or {}):
            steps.append(deliver_once_more(workspace, batch, model))
        elif batch.state == "rejected" and batch.run_id:
            steps += _steps_of_rejected(batch, batches, workspace, model, is_newest)
        elif batch.state == AWAITING:
            steps += _steps_of_awaiting(batch, workspace, model, is_newest)
        elif (
            batch.state == "too_little_data"
            and batch.has_unlabelled
            and not labels_since(batch, decided, workspace)
        ):
            what = f"To train on {batch.name}, label some of its pictures:"
            steps.append([what, *select_and_label(workspace, batch, model)])
    shown = reversed(steps[:MAX_STEPS])
    return [line for step in shown for line in _indented(step)]


def step_after_labels(
    batch: Batch, batches: Sequence[Batch], workspace: Path, name: str | None = None
) -> list[str]:
    """Return how to train on a batch against whose candidate labels decided, as lines of text.

    Args:
        batch: Batch of the ledger.
        batches: All batches.
        workspace: Folder of the workspace.
        name: Name of the model; None where nobody has given it.

    Returns:
        Nothing for any other batch.
    """
    if batch.state != "rejected" or not batch.was_decided_by_labels(batches):
        return []
    return _indented(_train_with_labels(batch, workspace, name))


def _steps_of_rejected(
    batch: Batch, batches: Sequence[Batch], workspace: Path, name: str | None, is_newest: bool
) -> list[list[str]]:
    steps = []
    if batch.was_decided_by_labels(batches):
        steps.append(_train_with_labels(batch, workspace, name))
    if is_newest:
        what = f"To push the candidate of {batch.name} all the same:"
        steps.append([what, accept_command(workspace, str(batch.run_id))])
    return steps


def _train_with_labels(batch: Batch, workspace: Path, name: str | None) -> list[str]:
    return deliver_once_more(workspace, batch, name, "with the labels that have arrived")


def _steps_of_awaiting(
    batch: Batch, workspace: Path, name: str | None, is_newest: bool
) -> list[list[str]]:
    steps = []
    if is_newest:
        what = f"To push the candidate of {batch.name} without labels:"
        steps.append([what, accept_command(workspace, str(batch.run_id))])
    what = f"To decide on the candidate of {batch.name}, label its pictures:"
    return [*steps, [what, *label_awaited(workspace, batch, name)]]


def _end(batch: Batch) -> tuple[str, int]:
    """Return when a batch got its state; of those in the same second, the later one is greater."""
    return batch.finished_at or "", batch.number


def _indented(step: list[str]) -> list[str]:
    """Return the lines of a step: what it is for, and its commands."""
    what, *commands = step
    return [what, *(f"  {command}" for command in commands)]


def _serving(batches: Sequence[Batch], rollbacks: Rollbacks) -> list[Batch]:
    """Return the batches for which a version was pushed that was not rolled back."""
    return [one for one in batches if one.state == "pushed" and not _find_rollback(one, rollbacks)]


def _find_rollback(batch: Batch, rollbacks: Rollbacks) -> Rollback | None:
    is_pushed = batch.state == "pushed"
    return rollbacks.get((batch.digest, batch.version)) if is_pushed else None
