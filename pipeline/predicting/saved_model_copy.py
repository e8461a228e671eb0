"""Copies of the serving version for others, without what tells about its training pictures."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from components.pusher.version_files import copy_folder, describe_damages, list_files, sync_folder
from components.pusher.version_store import VersionStore
from pipeline.config.output_check import prepare_output_folder
from pipeline.config.path_check import check_workspace
from pipeline.terminal.plain_lines import print_line
from pipeline.version_lookup import find_store, recorded_damages, serving_version
from pipeline.workspace import Workspace
from trainer_module.contract.atomic_write import DRAFT_SUFFIX, sync_path
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.model_assets import (
    FOLD_MODELS,
    LABEL_ISSUES,
    OUT_OF_FOLD,
    PICTURES,
    PUSH_RECORD,
    REFERENCE,
    STATISTICS,
    TEST_PREDICTIONS,
)
from trainer_module.contract.workspace_files.file_lock import lock_file
from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION, read_json_object

#: Files and folders of a version that a copy leaves out: paths and digests of the pictures, sampled
#: embeddings, statistics, and models that were trained on other pictures than the version.
TRAINING_DATA = (
    PICTURES,
    TEST_PREDICTIONS,
    REFERENCE,
    STATISTICS,
    OUT_OF_FOLD,
    FOLD_MODELS,
    LABEL_ISSUES,
)


def export_saved_model(
    workspace: Path, name: str | None, output: Path | None, include_training_data: bool
) -> None:
    """Copy the serving version, and print the path of the copy.

    Without training data, the copy predicts and serves as the version does. It cannot be retrained,
    compared with new data, or exported to another format.

    Args:
        workspace: Folder of the workspace.
        name: Name of the model, see `find_store`.
        output: Folder for the copy; None for one in the workspace.
        include_training_data: Whether to copy `TRAINING_DATA`, too.

    Raises:
        InputError: There is no such model, its version has lost files, the copy exists already or
            is being written, or the output folder cannot be written.
    """
    store = find_store(workspace, name)
    check_workspace(store.root)
    version = serving_version(store)
    _check_complete(store, version, include_training_data)
    output = output or Workspace(store.root).exports(store.name, version)
    prepare_output_folder(output)
    path = output / f"{store.name}-{version}-saved-model"
    left_out = () if include_training_data else TRAINING_DATA
    with _locked(path):
        if path.exists():
            raise InputError(
                f"{path} exists already. Remove it, or name another folder in --output."
            )
        _copy(store.path(version), path, left_out)
    print_line(f"SavedModel of version {version}: {path}")
    if left_out:
        print_line("Its training data are left out; --include-training-data copies them, too.")


def _check_complete(store: VersionStore, version: int, include_training_data: bool) -> None:
    """Refuse to copy a version that has lost files which the copy would have.

    Raises:
        UnavailableError: A file was lost or cut off.
    """
    damages = [
        damage
        for damage in recorded_damages(store, version)
        if include_training_data or damage.prevents_serving
    ]
    if damages:
        text = describe_damages(store.path(version), damages)
        raise UnavailableError(f"{text}. {RESTORE_VERSION}")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other commands from writing a copy of the same path in the block.

    Raises:
        InputError: Another command writes it.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        handle = lock_file(lock)
    except BlockingIOError:
        raise InputError(
            f"another carryover export writes {path}. Wait until it is done, or name another "
            "folder in --output."
        ) from None
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(handle)


def _copy(source: Path, path: Path, left_out: tuple[str, ...]) -> None:
    """Copy the folder of a version; it gets its path when it is complete.

    Raises:
        UnavailableError: The disk of the copy is full, or fails. Nothing is left there.
    """
    draft = path.with_name(f"{path.name}{DRAFT_SUFFIX}")
    if draft.exists():
        shutil.rmtree(draft)  # left by a command that was killed
    try:
        copy_folder(source, draft, left_out)
        record = draft / PUSH_RECORD
        if record.exists():  # the copy is complete without what is left out
            values = read_json_object(record, "record of the push", RESTORE_VERSION)
            record.write_text(json.dumps({**values, "files": list_files(draft)}, indent=1))
        sync_folder(draft)
        draft.rename(path)
        sync_path(path.parent)
    except BaseException as error:
        shutil.rmtree(draft, ignore_errors=True)  # a full disk needs the space
        if isinstance(error, OSError):
            raise UnavailableError(
                f"{path} cannot be written: {error.strerror}. Free some space, or give a folder on "
                "another disk with --output."
            ) from None
        raise
