import urllib.request
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from trainer_module.backbones import Backbone, build_backbone
from trainer_module.backbones.backbone_registry import KERAS_APPLICATIONS
from trainer_module.backbones.keras_applications import InputNormalization

pytestmark = pytest.mark.component

_SIZE = 32  # of the fixture `images`
RandomBackbone = Callable[[str], Backbone]


def _plain(name: str) -> keras.Model:
    """The model as Keras builds it, which leaves the scaling of most families to the caller."""
    return getattr(keras.applications, name)(
        include_top=False, weights=None, input_shape=(_SIZE, _SIZE, 3), pooling="avg"
    )


def _assert_same_features(actual: np.ndarray, expected: np.ndarray) -> None:
    expected = np.asarray(expected)
    assert expected.std() > 0
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    "name",
    [
        "VGG16",  # caffe
        "DenseNet121",  # torch
        "MobileNetV2",  # tf
        "ConvNeXtTiny",  # the others scale inside their models, each in its own way
        "EfficientNetV2B0",
        "MobileNetV3Small",
    ],
)
def test_features_are_those_of_keras_on_preprocessed_images(
    name: str, random_backbone: RandomBackbone, images: np.ndarray
) -> None:
    model, plain = random_backbone(name).model, _plain(name)
    plain.set_weights(model.get_weights())
    module = getattr(keras.applications, KERAS_APPLICATIONS[name].module)
    _assert_same_features(model(images), plain(module.preprocess_input(images.copy())))


def _set_normalisation(model: keras.Model, variance: np.ndarray) -> None:
    layer = next(x for x in model.layers if isinstance(x, keras.layers.Normalization))
    layer.set_weights([np.array([0.485, 0.456, 0.406]), variance, np.array(0)])
    layer.finalize_state()


def test_efficientnet_is_the_same_from_a_download_and_from_its_file(
    tmp_path: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keras.src.utils import file_utils

    file, std = tmp_path / "efficientnetb0_notop.h5", np.array([0.229, 0.224, 0.225])
    plain = _plain("EfficientNetB0")
    _set_normalisation(plain, std**2)
    plain.save(file)
    # Only the download is replaced: what follows it is what a user with a network runs.
    monkeypatch.setattr(file_utils, "get_file", lambda *_, **__: str(file))
    downloaded = build_backbone("EfficientNetB0", "imagenet", _SIZE).model
    from_file = build_backbone("EfficientNetB0", file, _SIZE).model
    assert [x.name for x in downloaded.layers] == [x.name for x in from_file.layers]
    np.testing.assert_array_equal(downloaded(images), from_file(images))

    # The released weights want another division by the root of std, which Keras adds for them.
    _set_normalisation(plain, std**3)
    _assert_same_features(from_file(images), plain(images))


def test_input_is_normalised_with_the_weights_that_were_set_last() -> None:
    layer = InputNormalization(axis=-1)
    image = np.full((1, 1, 1, 3), 0.5, np.float32)
    np.testing.assert_allclose(layer(image), image)
    layer.set_weights([np.array([0.5, 0.4, 0.3]), np.array([1.0, 1.0, 4.0]), np.array(0)])
    np.testing.assert_allclose(np.ravel(layer(image)), [0, 0.1, 0.1], atol=1e-6)


@pytest.mark.parametrize("name", ["MobileNetV3Small", "Xception"])
def test_names_are_the_same_however_many_models_were_built_before(name: str) -> None:
    size = 71
    first, second = (build_backbone(name, None, size) for _ in range(2))
    assert first.blocks == second.blocks
    assert [x.name for x in first.model.operations] == [x.name for x in second.model.operations]
    assert [x.path for x in first.model.weights] == [x.path for x in second.model.weights]
    unnumbered = {"MobileNetV3Small": "activation", "Xception": "conv2d"}
    assert unnumbered[name] in [x.name for x in first.model.layers]


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5"])
def test_weights_can_come_from_a_file(
    suffix: str, tmp_path: Path, random_backbone: RandomBackbone, images: np.ndarray
) -> None:
    file = tmp_path / f"mobilenet{suffix}"
    if suffix == ".h5":  # As Keras publishes them: of the model without our scaling.
        source = _plain("MobileNetV3Small")
        source.save(file)
    else:
        source = random_backbone("MobileNetV3Small").model
        source.save_weights(file)
    loaded = build_backbone("MobileNetV3Small", file, _SIZE).model
    _assert_same_features(loaded(images), source(images))


@pytest.mark.parametrize("name", ["VGG16", "MobileNetV2"])
def test_scaling_serialises_without_custom_objects(
    name: str, random_backbone: RandomBackbone, images: np.ndarray
) -> None:
    model = random_backbone(name).model
    copy = keras.models.model_from_json(model.to_json())
    copy.set_weights(model.get_weights())
    _assert_same_features(copy(images), model(images))


def test_a_failed_download_is_reported_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keras.src.backend import config

    monkeypatch.setattr(config, "_KERAS_DIR", str(tmp_path))  # An empty cache,
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # and nothing listens there.
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)
    with pytest.raises(ConnectionError, match=r"pass the path of .* efficientnet_lite0") as caught:
        build_backbone("MobileNetV3Small", image_size=_SIZE)
    assert str(caught.value).startswith("the ImageNet weights of MobileNetV3Small")
    assert "\n" not in str(caught.value)


def test_an_image_size_that_is_too_small_is_refused_in_one_line() -> None:
    with pytest.raises(
        ValueError, match=r"InceptionV3 cannot be built at 64 pixels: .*75x75"
    ) as caught:
        build_backbone("InceptionV3", None, image_size=64)
    assert "\n" not in str(caught.value)
