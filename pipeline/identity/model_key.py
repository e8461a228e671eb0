"""Identity of the model that a run would make, so that a repeated run can be recognised."""

import hashlib
import json
from pathlib import Path

from pipeline.config.run_config import RunConfig
from pipeline.identity.component_fingerprints import ComponentFingerprints
from trainer_module.backbones.saved_network import is_saved_network, read_saved_network
from trainer_module.contract.errors import InputError
from trainer_module.training_options import NAMED_WEIGHTS, BackboneOptions


def weights_digest(backbone: BackboneOptions) -> str:
    """Return the SHA-256 of the files of a backbone, in hex; an empty text where it has only names.

    Raises:
        InputError: A file cannot be read.
    """
    files: list[Path] = []
    if is_saved_network(backbone.name):
        files += read_saved_network(backbone.name, backbone.scaling).files
    if backbone.weights not in NAMED_WEIGHTS:
        files.append(Path(backbone.weights))
    return "".join(_digest(file) for file in files)


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f"backbone.weights {file}: {error.strerror}. Give an existing file, imagenet or none."
        ) from None


def model_key(digest: str, config: RunConfig, code: ComponentFingerprints) -> str:
    """Return the identity of everything that determines a model, except its baseline.

    Gates and checks are not part of it: they decide whether a model is pushed, not what it is.

    Args:
        digest: Digest of the snapshot.
        config: Config of the run.
        code: Fingerprints of the code and the libraries.

    Returns:
        SHA-256, in hex.
    """
    parts = {
        "snapshot": digest,
        "split": config.split.model_dump(),
        "training": config.training(),
        "weights": weights_digest(config.backbone),
        "code": [code.ingestion, code.preprocessing, code.training],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
