"""Loads a version of a workspace's model, and tells it from others that get its number."""

import contextlib
import logging
import os
import weakref

from components.pusher.version_files import describe_damages
from components.pusher.version_store import VersionStore
from components.pusher.version_use import mark_in_use
from pipeline.serving.served_model import ServedModel
from pipeline.version_lookup import recorded_damages
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION

_logger = logging.getLogger("carryover.serving")


def load_version(store: VersionStore, number: int) -> ServedModel:
    """Load a version, and warn if it has lost files that serving does not need.

    As long as it is loaded, `carryover clean` does not remove it.

    Args:
        store: Versions of the model.
        number: Number of the version.

    Raises:
        UnavailableError: The version has lost a file without which it cannot predict.
        Exception: TensorFlow cannot load it, see `ServedModel`.
    """
    folder = store.path(number)
    damages = recorded_damages(store, number)
    needed = [damage for damage in damages if damage.prevents_serving]
    if needed:
        raise UnavailableError(f"{describe_damages(folder, needed)}. {RESTORE_VERSION}")
    mark = mark_in_use(folder)
    try:
        model = ServedModel(folder, number)
    except BaseException:
        if mark is not None:
            os.close(mark)
        raise
    if mark is not None:
        weakref.finalize(model, os.close, mark)
    if damages:
        _logger.warning(
            "%s. It serves; restore it before the next training", describe_damages(folder, damages)
        )
    return model


def identify_version(store: VersionStore, number: int) -> str:
    """Return what tells the model of a version from another model that gets its number later.

    That is the digest in its record; without a record, the time of the model's file; and "" if
    neither can be read.

    Args:
        store: Versions of the model.
        number: Number of the version.
    """
    with contextlib.suppress(InputError):
        return store.read_push(number).digest
    with contextlib.suppress(OSError):
        return str((store.path(number) / "saved_model.pb").stat().st_mtime_ns)
    return ""
