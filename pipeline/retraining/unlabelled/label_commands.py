"""The commands with which a person gives labels to the pictures of a batch, as texts to copy."""

import os
import posixpath
import shlex
import tempfile
from collections.abc import Collection
from pathlib import Path

from pipeline.config.run_config import RunConfig
from pipeline.inputs.layouts.unlabelled_names import TO_LABEL
from pipeline.retraining.batch import Batch
from pipeline.retraining.deliveries.inbox import READY
from pipeline.retraining.ledger import read_batches
from pipeline.retraining.unlabelled.pass_settings import options_of_run, pass_options
from pipeline.terminal.shell_word import path_argument
from pipeline.version_lookup import find_stores
from pipeline.workspace import Workspace

#: Number of pictures to choose that the text names.
COUNT = 100


def label_awaited(workspace: Path, batch: Batch, name: str | None = None) -> list[str]:
    """Return the command that labels the pictures which decide on the candidate of a batch.

    Args:
        workspace: Folder of the workspace.
        batch: Batch whose candidate awaits labels.
        name: Name of the model; None where nobody has given it.
    """
    return [_label(str(Workspace(workspace).to_label / batch.digest), workspace, batch, name)]


def label_and_retrain(workspace: Path, batch: Batch, config: RunConfig) -> tuple[str, ...]:
    """Return the commands that label the awaited pictures of a batch and let the labels decide.

    Args:
        workspace: Folder of the workspace.
        batch: Batch whose candidate will await labels.
        config: Configuration of the retraining.
    """
    options = pass_options(workspace, config.name, config.retrain.model_dump(mode="json"))
    retrain = retrain_command(batch.source, workspace, config.name, options)
    return (*label_awaited(workspace, batch, config.name), retrain)


def select_and_label(workspace: Path, batch: Batch, name: str | None = None) -> list[str]:
    """Return the commands that choose pictures of a batch without labels, and label them.

    Where the delivery is still there with chosen pictures, as one of `carryover monitor`, these are
    to be labelled.

    Args:
        workspace: Folder of the workspace.
        batch: Batch without labels.
        name: Name of the model; None where nobody has given it.
    """
    domains = Path(batch.source).glob("*")
    if any(os.path.isdir(domain / TO_LABEL) for domain in domains):  # noqa: PTH112 (never raises)
        return [_label(batch.source, workspace, batch, name)]
    inbox = posixpath.dirname(batch.source)
    chosen = path_argument(_free_path(_outside(f"{batch.name}-to-label", inbox, workspace)))
    source = ("--inbox", inbox, "--batch", batch.name)
    options = (*source, "--count", str(COUNT), "--output", chosen, "--workspace", str(workspace))
    select = command_line("select", *options, *name_option(workspace, name))
    return [select, _label(chosen, workspace, batch, name)]


def deliver_once_more(
    workspace: Path, batch: Batch, name: str | None = None, since: str = "again"
) -> list[str]:
    """Return what to do to train on a batch once more that is in no training, as lines.

    Args:
        workspace: Folder of the workspace.
        batch: Batch that was rejected, or whose version was rolled back.
        name: Name of the model; None where nobody has given it.
        since: What the training has that the earlier one had not, as the end of "train on ...".
    """
    inbox, path = posixpath.split(batch.source)
    settings = options_of_run(workspace, batch, name)
    retrain = retrain_command(batch.source, workspace, name, settings)
    what = f"train on {batch.name} {since}"
    if not os.path.lexists(batch.source):
        return [f"To {what}, copy {path} into {inbox} again, and run:", retrain]
    if os.path.isfile(batch.source):  # noqa: PTH113 (never raises)
        touch = f"touch {shlex.quote(batch.source)}"
        # No file says that a manifest is complete: it is once it stays as it is for this time.
        return [f"To {what}, wait for retrain.quiet_seconds between these:", touch, retrain]
    return [f"To {what}:", f"touch {shlex.quote(f'{batch.source}/{READY}')}", retrain]


def label_command(
    folder: str, batch: str, workspace: Path, taken: Collection[str], name: str | None
) -> str:
    """Return the command that labels pictures of a batch. The labels get a name of their own.

    Args:
        folder: Folder with the pictures.
        batch: Path of the batch in its inbox, beside which the labels are put.
        workspace: Folder of the workspace.
        taken: Names of the batches of the workspace. A batch would replace the earlier one of its
            name.
        name: Name of the model; None where nobody has given it.
    """
    output = _free_path(f"{batch}-labels", taken)
    model = ("--classes-from", str(workspace), *name_option(workspace, name))
    return command_line("label", folder, *model, "--only-labelled", "--output", output)


def retrain_command(
    batch: str, workspace: Path, name: str | None, settings: Collection[str] = ()
) -> str:
    """Return the command that takes what is new in the inbox of a batch.

    Args:
        batch: Path of the batch in its inbox.
        workspace: Folder of the workspace.
        name: Name of the model; None where nobody has given it.
        settings: Options of `pass_options`.
    """
    options = ("--workspace", str(workspace), "--inbox", posixpath.dirname(batch))
    return command_line("retrain", *options, *name_option(workspace, name), *settings)


def name_option(workspace: Path, name: str | None) -> tuple[str, ...]:
    """Return the option that names the model, which a workspace with several requires.

    Args:
        workspace: Folder of the workspace.
        name: Name of the model; None where nobody has given it.
    """
    return ("--name", name or "NAME") if len(find_stores(workspace)) > 1 else ()


def command_line(*words: str) -> str:
    """Return a command of carryover, as a text to copy.

    Args:
        words: Name of the command, its arguments and options.
    """
    return " ".join(("carryover", *map(shlex.quote, words)))


def _label(folder: str, workspace: Path, batch: Batch, name: str | None) -> str:
    taken = {one.name for one in read_batches(workspace)}
    return label_command(folder, batch.source, workspace, taken, name)


def _outside(name: str, inbox: str, workspace: Path) -> str:
    """Return the path of a folder of this name which is in neither the inbox nor the workspace.

    In both, `carryover select` refuses it. It is in the working directory where that is possible.
    """
    inputs = [os.path.realpath(one) for one in (inbox, workspace)]
    elsewhere = Path(tempfile.gettempdir()).resolve()
    try:
        here = Path.cwd()
    except FileNotFoundError:  # it was removed
        return str(elsewhere / name)
    for folder in (here, *here.parents, elsewhere):
        is_input = any(folder.is_relative_to(one) for one in inputs)
        if not is_input and os.access(folder, os.W_OK):
            return name if folder == here else str(folder / name)
    return name


def _free_path(path: str, taken: Collection[str] = ()) -> str:
    """Return a path, with a number where it exists, or where a batch has its name already."""
    free, number = path, 1
    while os.path.lexists(free) or posixpath.basename(free) in taken:
        number += 1
        free = f"{path}-{number}"
    return free
