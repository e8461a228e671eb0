"""Options with which a further pass has the settings of an earlier one, for printed commands."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.config.retraining_options import RetrainOptions
from pipeline.retraining.batch import Batch
from pipeline.retraining.ledger import read_batches
from pipeline.version_lookup import find_store, serving_version
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError


def pass_options(workspace: Path, name: str | None, used: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the options for the settings of a pass that a pass without options would not have.

    By default, a pass has the config of the run of the serving version.

    Args:
        workspace: Folder of the workspace.
        name: Name of the model; None where nobody has given it.
        used: Settings of `retrain` of the pass, JSON values by key.
    """
    defaults = RetrainOptions().model_dump(mode="json")
    try:
        store = find_store(workspace, name)
        run_id = store.read_push(serving_version(store)).run_id
        stored = Workspace(workspace).read_config(run_id).get("retrain") or {}
    except InputError:  # a pass says that the config is missing
        return ()
    return tuple(_options(defaults | stored, defaults | dict(used)))


def options_of_run(workspace: Path, batch: Batch, name: str | None) -> tuple[str, ...]:
    """Return the options for the settings of the pass that has processed a batch.

    Args:
        workspace: Folder of the workspace.
        batch: Batch of the ledger. Without a run there are no options.
        name: Name of the model; None where nobody has given it.
    """
    if not batch.run_id:
        return ()
    try:
        used = Workspace(workspace).read_config(batch.run_id).get("retrain") or {}
    except InputError:  # the run was removed
        return ()
    return pass_options(workspace, name, used)


def options_of_folder(workspace: Path, folder: Path, name: str | None) -> tuple[str, ...]:
    """Return the options for the settings of the pass that has written a folder to label.

    Args:
        workspace: Folder of the workspace.
        folder: Folder of pictures; there are none for one that no pass has written.
        name: Name of the model; None where nobody has given it.
    """
    root = workspace.resolve()
    if folder.parent != Workspace(root).to_label:
        return ()
    try:
        batches = [one for one in read_batches(root) if one.digest == folder.name]
    except InputError:  # the next pass tells of it
        return ()
    return options_of_run(root, batches[-1], name) if batches else ()


def _options(stored: Mapping[str, Any], used: Mapping[str, Any]) -> Iterator[str]:
    for key, value in used.items():
        if key != "inbox" and value != stored.get(key):
            text = value if isinstance(value, str) else json.dumps(value)
            yield from ("--set", f"retrain.{key}={text}")
