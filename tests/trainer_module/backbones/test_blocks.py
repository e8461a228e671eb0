from collections.abc import Callable

import keras
import numpy as np
import pytest

from trainer_module.backbones import Backbone, split_at
from trainer_module.backbones.blocks import block_names

pytestmark = pytest.mark.component

RandomBackbone = Callable[[str], Backbone]


def _names(output: keras.KerasTensor, inputs: keras.KerasTensor) -> tuple[str, ...]:
    features = keras.layers.GlobalAveragePooling2D(name="pool")(output)
    return block_names(keras.Model(inputs, features))


def _input() -> keras.KerasTensor:
    return keras.Input((8, 8, 3), name="image")


def _conv(name: str, filters: int = 4) -> keras.layers.Conv2D:
    return keras.layers.Conv2D(filters, 3, padding="same", name=name)


def test_a_block_ends_after_the_layers_that_complete_its_convolution() -> None:
    x = inputs = _input()
    x = keras.layers.Rescaling(1 / 255, name="scaling")(x)
    x = keras.layers.ZeroPadding2D(1, name="pad1")(x)
    x = _conv("conv1")(x)
    x = keras.layers.BatchNormalization(name="bn1")(x)
    x = keras.layers.ReLU(name="relu1")(x)
    x = keras.layers.ZeroPadding2D(1, name="pad2")(x)
    x = keras.layers.MaxPooling2D(name="pool1")(x)
    x = _conv("conv2")(x)
    x = keras.layers.ReLU(name="relu2")(x)
    assert _names(x, inputs) == ("pool1", "relu2")


def test_padding_belongs_to_the_convolution_that_follows() -> None:
    x = inputs = _input()
    x = _conv("conv1")(x)
    x = keras.layers.ZeroPadding2D(1, name="pad")(x)
    x = _conv("conv2")(x)
    assert _names(x, inputs) == ("conv1", "conv2")


def test_layers_parallel_to_a_shortcut_are_not_blocks() -> None:
    x = inputs = _input()
    x = shortcut = _conv("stem")(x)
    x = _conv("inside")(x)
    x = keras.layers.Add(name="add")([x, shortcut])
    x = keras.layers.ReLU(name="out")(x)
    assert _names(x, inputs) == ("stem", "out")


def test_a_normalisation_after_a_merge_belongs_to_the_next_block() -> None:
    x = inputs = _input()
    x = shortcut = _conv("stem")(x)
    x = keras.layers.Add(name="add")([_conv("inside")(x), shortcut])
    x = keras.layers.BatchNormalization(name="preact_bn")(x)
    x = keras.layers.ReLU(name="preact_relu")(x)
    x = _conv("last")(x)
    assert _names(x, inputs) == ("stem", "add", "last")


def test_the_wide_middle_of_an_inverted_bottleneck_is_not_a_block() -> None:
    x = inputs = _input()
    x = _conv("stem", filters=8)(x)
    x = _conv("expand", filters=24)(x)
    x = keras.layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = keras.layers.Multiply(name="squeeze_excite")([x, gate])
    x = _conv("project", filters=8)(x)
    assert _names(x, inputs) == ("stem", "project")


def test_the_pooled_feature_map_is_the_last_block() -> None:
    x = inputs = _input()
    x = shortcut = _conv("stem")(x)
    x = keras.layers.Concatenate(name="concat")([_conv("inside")(x), shortcut])
    x = keras.layers.BatchNormalization(name="last_bn")(x)
    assert _names(x, inputs) == ("stem", "concat", "last_bn")


@pytest.mark.parametrize(
    ("name", "count", "some"),
    [
        ("ResNet50", 17, {"pool1_pool", "conv2_block1_out", "conv5_block3_out"}),
        ("ConvNeXtTiny", 22, {"convnext_tiny_stem", "add", "add_17"}),
        ("DenseNet121", 63, {"pool1", "conv2_block1_concat", "pool2_pool", "relu"}),
        ("EfficientNetB0", 18, {"stem_activation", "block2b_add", "top_activation"}),
        ("MobileNetV2", 19, {"Conv1_relu", "block_1_project_BN", "block_2_add", "out_relu"}),
        ("VGG16", 13, {"block1_conv1", "block1_pool", "block5_conv2", "block5_pool"}),
    ],
)
def test_blocks_of_keras_applications(
    name: str, count: int, some: set[str], random_backbone: RandomBackbone
) -> None:
    blocks = random_backbone(name).blocks
    assert len(blocks) == count
    assert some < set(blocks)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "ResNet50", "ConvNeXtTiny"])
@pytest.mark.parametrize("position", [0, 5, -1])
def test_the_parts_of_a_model_compute_what_it_computes(
    name: str, position: int, random_backbone: RandomBackbone, images: np.ndarray
) -> None:
    backbone = random_backbone(name)
    lower, upper = split_at(backbone.model, backbone.blocks[position])
    np.testing.assert_allclose(upper(lower(images)), backbone.model(images), rtol=1e-5)


def test_the_parts_share_the_weights_of_the_model(random_backbone: RandomBackbone) -> None:
    model = random_backbone("efficientnet_lite0").model
    lower, upper = split_at(model, "block7")
    parts = {id(variable) for variable in [*lower.weights, *upper.weights]}
    assert parts == {id(variable) for variable in model.weights}
    assert upper.get_layer("block8_expand_conv") is model.get_layer("block8_expand_conv")
    assert "block8_expand_conv" not in [layer.name for layer in lower.layers]


def test_a_part_can_be_cut_again(random_backbone: RandomBackbone, images: np.ndarray) -> None:
    model = random_backbone("efficientnet_lite0").model
    lower, rest = split_at(model, "block3")
    middle, upper = split_at(rest, "block9")
    np.testing.assert_allclose(upper(middle(lower(images))), model(images), rtol=1e-5)


def test_an_unknown_block_is_refused_with_the_allowed_ones(
    random_backbone: RandomBackbone,
) -> None:
    model = random_backbone("efficientnet_lite0").model
    with pytest.raises(
        ValueError, match=r"must be one of stem, block0, .*, top. Received: 'block16'$"
    ):
        split_at(model, "block16")
