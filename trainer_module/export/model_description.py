"""The description of an exported model, which is read without TensorFlow."""

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer_module.contract.model_assets import DESCRIPTION
from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION, read_json_object

#: Key in the report of the training: domains whose unlabelled pictures the model was trained on,
#: in its last training or before.
UNLABELLED_DOMAINS = "unlabelled_domains"

#: Key in the report of the training: limits of accepted predictions, and what they leave in every
#: domain, see `acceptance.Acceptance`.
ACCEPTANCE = "acceptance"


def read_description(folder: str) -> dict[str, Any]:
    """Read the description of an exported model.

    Args:
        folder: Folder of the SavedModel.

    Returns:
        `labels`, `backbone`, `image_size`, `temperature` and `training` (report of the training).
        Models that were exported before there was calibration have the temperature 1.

    Raises:
        FileNotFoundError: Another program has exported the model.
        UnavailableError: The description is unreadable or damaged.
    """
    path = Path(folder, DESCRIPTION)
    if not path.exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    description = read_json_object(path, "description of the model", RESTORE_VERSION)
    return {"temperature": 1.0} | description


def unlabelled_domains(description: Mapping[str, Any]) -> frozenset[str]:
    """Return the domains whose unlabelled pictures a model was trained on.

    Args:
        description: Description of the model; one that was exported before they were kept has none.
    """
    return frozenset(description.get("training", {}).get(UNLABELLED_DOMAINS, ()))
