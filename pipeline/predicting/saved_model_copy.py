"""Copies of the serving version for others, without what tells about its training pictures."""

import shutil
from pathlib import Path

from pipeline.config.output_check import prepare_output_folder
from pipeline.config.path_check import check_workspace
from pipeline.terminal.plain_lines import print_line
from pipeline.version_lookup import find_store, serving_version
from pipeline.workspace import Workspace
from trainer_module.contract.atomic_write import DRAFT_SUFFIX
from trainer_module.contract.errors import InputError
from trainer_module.contract.model_assets import (
    FOLD_MODELS,
    OUT_OF_FOLD,
    PICTURES,
    REFERENCE,
    STATISTICS,
    TEST_PREDICTIONS,
)

#: Files and folders of a version that a copy leaves out: paths and digests of the pictures, sampled
#: embeddings, statistics, and models that were trained on other pictures than the version.
TRAINING_DATA = (PICTURES, TEST_PREDICTIONS, REFERENCE, STATISTICS, OUT_OF_FOLD, FOLD_MODELS)


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
        InputError: There is no such model, the copy exists already, or the output folder cannot be
            written.
    """
    store = find_store(workspace, name)
    check_workspace(store.root)
    version = serving_version(store)
    output = output or Workspace(store.root).exports(store.name, version)
    prepare_output_folder(output)
    path = output / f"{store.name}-{version}-saved-model"
    if path.exists():
        raise InputError(f"{path} exists already. Remove it, or name another folder in --output.")
    draft = path.with_name(f"{path.name}{DRAFT_SUFFIX}")
    if draft.exists():
        shutil.rmtree(draft)  # left by a command that was killed
    left_out = () if include_training_data else TRAINING_DATA
    source = store.path(version)
    shutil.copytree(source, draft, ignore=lambda folder, names: _left_out(source, folder, left_out))
    draft.rename(path)
    print_line(f"SavedModel of version {version}: {path}")
    if left_out:
        print_line("Its training data are left out; --include-training-data copies them, too.")


def _left_out(source: Path, folder: str, names: tuple[str, ...]) -> list[str]:
    """Return the names in a folder of a version that are not copied."""
    paths = [source / name for name in names]
    return [path.name for path in paths if path.parent == Path(folder)]
