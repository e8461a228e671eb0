"""Identity of the model that a run would make, so that a repeated run can be recognised."""

import hashlib
import json
from pathlib import Path

from pipeline.config.run_config import RunConfig
from pipeline.identity.component_fingerprints import ComponentFingerprints
from trainer_module.contract.errors import InputError
from trainer_module.training_options import NAMED_WEIGHTS, BackboneOptions


def weights_digest(backbone: BackboneOptions) -> str:
    """Return the SHA-256 of a weights file, in hex; an empty text where weights come by name.

    Raises:
        InputError: The file cannot be read.
    """
    if backbone.weights in NAMED_WEIGHTS:
        return ""
    try:
        return hashlib.sha256(Path(backbone.weights).read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f"backbone.weights {backbone.weights}: {error.strerror}. "
            "Give an existing file, imagenet or none."
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
