from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config.config_file import load_config
from pipeline.identity.component_fingerprints import ComponentFingerprints
from pipeline.identity.model_key import model_key, weights_digest
from trainer_module.contract.errors import InputError
from trainer_module.training_options import BackboneOptions

CODE = ComponentFingerprints(
    "ingestion", "data_gate", "preprocessing", "training", "evaluation", "serving_check"
)


def key(*overrides: str, digest: str = "snapshot", code: ComponentFingerprints = CODE) -> str:
    config = load_config(None, list(overrides), {"data": Path("pictures")})
    return model_key(digest, config, code)


@pytest.mark.parametrize(
    "override",
    [
        "gate.min_accuracy=0.9",
        "gate.max_drop=0.5",
        "workspace=elsewhere",
        "data=elsewhere",
        "name=other",
        "beam.workers=2",
        "cache_disk=1",
    ],
)
def test_what_cannot_change_the_model_does_not_change_its_key(override):
    assert key(override) == key()


@pytest.mark.parametrize(
    "override",
    [
        "seed=1",
        "image_size=96",
        "split.test=0.3",
        "split.group_by=stem",
        "backbone.name=efficientnet_lite1",
        "fine_tuning.epochs=0",
        "warm_start=false",
    ],
)
def test_what_makes_the_model_changes_its_key(override):
    assert key(override) != key()


def test_other_pictures_change_the_key():
    assert key(digest="another") != key()


@pytest.mark.parametrize(
    ("part", "matters"),
    [
        ("ingestion", True),
        ("preprocessing", True),
        ("training", True),
        ("evaluation", False),
        ("serving_check", False),
    ],
)
def test_only_code_that_makes_the_model_changes_the_key(part, matters):
    assert (key(code=replace(CODE, **{part: "changed"})) != key()) is matters


def test_other_weights_in_the_same_file_are_other_weights(tmp_path):
    file = tmp_path / "my.weights.h5"
    options = BackboneOptions(weights=str(file))
    digests = []
    for content in (b"one", b"two"):
        file.write_bytes(content)
        digests.append(weights_digest(options))
    assert digests[0] != digests[1]
    assert weights_digest(BackboneOptions()) == ""


def test_weights_that_are_not_there_are_an_input_error(tmp_path):
    with pytest.raises(InputError, match="No such file or directory"):
        weights_digest(BackboneOptions(weights=str(tmp_path / "gone.h5")))
