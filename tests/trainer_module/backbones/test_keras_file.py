"""Saved Keras models as backbones."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from trainer_module.backbones import build_backbone
from trainer_module.classifier import build_classifier
from trainer_module.contract.errors import InputError
from trainer_module.export.saved_model import export_classifier, load_classifier
from trainer_module.training_options import BackboneOptions

pytestmark = pytest.mark.component

_SIZE = 32


def _network() -> keras.Model:
    """A model in a model, as transfer learning makes them."""
    inner = keras.Sequential(
        [
            keras.Input((_SIZE, _SIZE, 3)),
            keras.layers.Conv2D(4, 3, strides=2, name="first"),
            keras.layers.Conv2D(8, 3, strides=2, name="second"),
        ],
        name="inner",
    )
    image = keras.Input((_SIZE, _SIZE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(inner(keras.layers.Rescaling(1 / 255)(image)))
    return keras.Model(image, pooled)


def _with_head(network: keras.Model) -> keras.Model:
    x = keras.layers.Dropout(0.2)(network.output)
    return keras.Model(network.input, keras.layers.Dense(5, activation="softmax")(x))


@pytest.mark.parametrize("has_head", [False, True])
def test_a_head_is_cut_off_and_inner_models_have_blocks(
    has_head: bool, tmp_path: Path, images: np.ndarray
) -> None:
    network = _network()
    path = tmp_path / "network.keras"
    (_with_head(network) if has_head else network).save(path)
    backbone = build_backbone(f"keras:{path}")
    np.testing.assert_allclose(backbone.model(images), network(images), rtol=1e-5, atol=1e-6)
    assert (backbone.image_size, backbone.blocks) == (_SIZE, ("first", "second"))


def test_a_scaling_comes_before_the_model(tmp_path: Path, images: np.ndarray) -> None:
    path = tmp_path / "network.keras"
    network = _network()
    network.save(path)
    scaled = build_backbone(f"keras:{path}", scaling="tf").model(images)
    np.testing.assert_allclose(scaled, network(images / 127.5 - 1), rtol=1e-4, atol=1e-5)


def test_a_lambda_is_refused(tmp_path: Path) -> None:
    image = keras.Input((_SIZE, _SIZE, 3))
    path = tmp_path / "network.keras"
    keras.Model(image, keras.layers.Lambda(lambda x: x + 1)(image)).save(path)
    with pytest.raises(InputError, match="holds a Lambda, which is code and is not run"):
        build_backbone(f"keras:{path}")


def test_an_export_is_loaded_without_the_file(tmp_path: Path, images: np.ndarray) -> None:
    path = tmp_path / "network.keras"
    _network().save(path)
    classifier = build_classifier(BackboneOptions(name=f"keras:{path}"), _SIZE, ("cat", "dog"))
    export_classifier(classifier, {}, str(tmp_path / "export"))
    path.unlink()
    loaded = load_classifier(str(tmp_path / "export"))
    assert loaded.backbone.is_like(classifier.backbone)
    expected = classifier.backbone.model(images)
    np.testing.assert_allclose(loaded.backbone.model(images), expected, rtol=1e-5, atol=1e-6)


def rewritten(path: Path, change: Callable[[dict[str, Any]], None]) -> str:
    """Save the network with another configuration; return the name of the backbone."""
    _network().save(path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    values = json.loads(files["config.json"])
    change(values)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (files | {"config.json": json.dumps(values).encode()}).items():
            archive.writestr(name, content)
    return f"keras:{path}"


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("function", "keras.utils"),
        ("function", "keras.ops"),
        ("get_file", "keras.utils"),
        ("get_file", "keras.src.utils.file_utils"),
        ("TFSMLayer", "keras.layers"),
        ("system", "os"),
    ],
)
def test_what_runs_code_or_reads_files_is_refused_whatever_keras_allows(tmp_path, name, module):
    hostile = {"class_name": name, "module": module, "config": "get_file", "inbound_nodes": []}
    backbone = rewritten(
        tmp_path / "a.keras", lambda values: values["config"]["layers"].append(hostile)
    )
    with pytest.raises(InputError, match=f"holds '{name}' of '{module}'"):
        build_backbone(backbone)


@pytest.mark.parametrize("value", [None, 3, [], {"layers": {}}])
def test_a_configuration_that_keras_does_not_write_is_an_input_error(tmp_path, value):
    backbone = rewritten(tmp_path / "a.keras", lambda values: values.update(config=value))
    with pytest.raises(InputError, match=r"a\.keras"):
        build_backbone(backbone, image_size=_SIZE)


def test_a_damaged_file_is_an_input_error_that_names_it(tmp_path):
    path = tmp_path / "a.keras"
    _network().save(path)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("model.weights.h5").header_offset + 200
    content[start : start + 50] = bytes(50)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.keras cannot be built at image_size 32: Bad CRC-32"):
        build_backbone(f"keras:{path}")


def test_a_layer_with_several_outputs_is_named(tmp_path):
    image = keras.Input((_SIZE, _SIZE, 3))
    one, other = keras.ops.split(keras.layers.Conv2D(4, 3)(image), 2, axis=-1)
    keras.Model(image, keras.layers.Concatenate()([other, one])).save(tmp_path / "a.keras")
    with pytest.raises(InputError, match="layer split returns several tensors"):
        build_backbone(f"keras:{tmp_path / 'a.keras'}")
