"""What identifies a run's parts: the same identity, the same result, so a cache is safe."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.run_config import RunConfig
from pipeline.running.fingerprint import code_fingerprint
from trainer_module.contract.errors import InputError
from trainer_module.training_options import NAMED_WEIGHTS, BackboneOptions


@dataclass(frozen=True)
class CodeFingerprints:
    """Digest of the code behind each part of the DAG."""

    ingestion: str
    data_gate: str
    preprocessing: str
    training: str
    evaluation: str
    serving_check: str


def fingerprint_code() -> CodeFingerprints:
    """Fingerprints of the code as it lies on disk now."""
    return CodeFingerprints(
        ingestion=code_fingerprint("components.image_example_gen.executor"),
        data_gate=code_fingerprint("components.data_gate.executor"),
        preprocessing=code_fingerprint("trainer_module.data.preprocessing"),
        training=code_fingerprint("trainer_module.training"),
        evaluation=code_fingerprint(
            "components.evaluation.classifier_metrics", "components.evaluation.paired_change"
        ),
        serving_check=code_fingerprint("components.serving_check.executor"),
    )


def weights_digest(backbone: BackboneOptions) -> str:
    """SHA-256 of a weights file, in hex; empty where the weights come by name.

    Raises:
        InputError: the file cannot be read.
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


def model_key(digest: str, config: RunConfig, code: CodeFingerprints) -> str:
    """Identity of what determines a model, beside the one that it starts from.

    Gates and checks are not in it: they say whether a model may serve, not what it is.

    Args:
        digest: of the snapshot.
        config: of the run.
        code: see `fingerprint_code`.

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
