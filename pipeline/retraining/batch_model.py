"""Which model of a workspace a batch retrains."""

import posixpath
from collections.abc import Sequence
from pathlib import Path

from pipeline.retraining.batch import Batch
from pipeline.version_lookup import find_stores
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError


def find_model(batch: Batch, batches: Sequence[Batch], workspace: Path) -> str | None:
    """Return the name of the model that a batch retrains, for commands that need it.

    The ledger tells it. In one from before, the config of its run does, or else that of a run for
    another batch of its inbox.

    Args:
        batch: Batch of the ledger.
        batches: All batches.
        workspace: Folder of the workspace.

    Returns:
        None where the ledger does not tell it and the workspace has one model, or no run tells it.
    """
    if batch.model:
        return batch.model
    if len(find_stores(workspace)) < 2:
        return None
    inbox = posixpath.dirname(batch.source)
    beside = [one for one in reversed(batches) if posixpath.dirname(one.source) == inbox]
    names = (_name_of_run(one, workspace) for one in (batch, *beside))
    return next(filter(None, names), None)


def _name_of_run(batch: Batch, workspace: Path) -> str | None:
    if not batch.run_id:
        return None
    try:
        return str(Workspace(workspace).read_config(batch.run_id)["name"])
    except (InputError, KeyError):  # the run was removed
        return None
