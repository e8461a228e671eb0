"""Saved Keras models as backbones."""

from pathlib import Path

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
