"""EfficientNet-Lite: EfficientNet for CPUs and mobile devices.

EfficientNet (Tan and Le, 2019, arXiv 1905.11946, Table 1) without squeeze-and-excitation, with
ReLU6 instead of swish, and with a stem and a top that do not scale with the width; described at
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
"""

import math
from typing import NamedTuple

import keras

_STEM_FILTERS = 32
_TOP_FILTERS = 1280
_BATCH_NORM_EPSILON = 1e-3


class _Scaling(NamedTuple):
    """Factors of width and depth of a model, compared with lite0."""

    width: float
    depth: float


class _Stage(NamedTuple):
    """One row of Table 1 in the EfficientNet paper."""

    blocks: int
    kernel_size: int
    strides: int
    expansion: int
    filters: int


_SCALINGS = {
    "efficientnet_lite0": _Scaling(width=1.0, depth=1.0),
    "efficientnet_lite1": _Scaling(width=1.0, depth=1.1),
    "efficientnet_lite2": _Scaling(width=1.1, depth=1.2),
}

_STAGES = (
    _Stage(blocks=1, kernel_size=3, strides=1, expansion=1, filters=16),
    _Stage(blocks=2, kernel_size=3, strides=2, expansion=6, filters=24),
    _Stage(blocks=2, kernel_size=5, strides=2, expansion=6, filters=40),
    _Stage(blocks=3, kernel_size=3, strides=2, expansion=6, filters=80),
    _Stage(blocks=3, kernel_size=5, strides=1, expansion=6, filters=112),
    _Stage(blocks=4, kernel_size=5, strides=2, expansion=6, filters=192),
    _Stage(blocks=1, kernel_size=3, strides=1, expansion=6, filters=320),
)


def build_efficientnet_lite(name: str, image_size: int) -> keras.Model:
    """Build a model of the family with random weights.

    The layers `stem`, `block0`, `block1`, ... and `top` are the outputs of the stem, of each MBConv
    block and of the top convolution. Inner layers of a block are named `block3_expand_conv`,
    `block3_expand_bn` and so on.

    Args:
        name: `efficientnet_lite0`, `efficientnet_lite1` or `efficientnet_lite2`.
        image_size: Height and width of the images in pixels.

    Returns:
        A functional model from float32 RGB images in 0..255, shape
        `[batch, image_size, image_size, 3]`, to embeddings, shape `[batch, 1280]`.
    """
    images = keras.Input((image_size, image_size, 3), name="image", dtype="float32")
    x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="scaling")(images)
    x = _conv(x, _STEM_FILTERS, kernel_size=3, strides=2, name="stem")
    x = keras.layers.ReLU(6, name="stem")(x)
    for index, stage in enumerate(_scaled_stages(_SCALINGS[name])):
        x = _mbconv(x, stage, name=f"block{index}")
    x = _conv(x, _TOP_FILTERS, kernel_size=1, strides=1, name="top")
    x = keras.layers.ReLU(6, name="top")(x)
    features = keras.layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(images, features, name=name)


def _scaled_stages(scaling: _Scaling) -> list[_Stage]:
    """Return one entry per MBConv block, in order."""
    blocks: list[_Stage] = []
    for stage in _STAGES:
        # Lite scales neither the depth of the first and the last stage, nor the stem and the top.
        fixed = stage in (_STAGES[0], _STAGES[-1])
        repeats = stage.blocks if fixed else math.ceil(stage.blocks * scaling.depth)
        first = stage._replace(filters=_round_filters(stage.filters * scaling.width))
        blocks += [first, *[first._replace(strides=1)] * (repeats - 1)]
    return blocks


def _round_filters(filters: float, divisor: int = 8) -> int:
    """Round to a multiple of `divisor`, at most 10 % down."""
    rounded = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * filters else rounded


def _mbconv(x: keras.KerasTensor, block: _Stage, name: str) -> keras.KerasTensor:
    """Add an inverted bottleneck: expand, depthwise convolution, project, shortcut."""
    inputs, filters_in = x, x.shape[-1]
    if block.expansion > 1:
        x = _conv(x, filters_in * block.expansion, 1, 1, name=f"{name}_expand")
        x = keras.layers.ReLU(6, name=f"{name}_expand_relu")(x)
    x = keras.layers.DepthwiseConv2D(
        block.kernel_size,
        strides=block.strides,
        padding="same",
        use_bias=False,
        name=f"{name}_depthwise_conv",
    )(x)
    x = _batch_norm(x, name=f"{name}_depthwise")
    x = keras.layers.ReLU(6, name=f"{name}_depthwise_relu")(x)
    x = _conv(x, block.filters, 1, 1, name=f"{name}_project")
    if block.strides == 1 and filters_in == block.filters:
        return keras.layers.Add(name=name)([x, inputs])
    return keras.layers.Identity(name=name)(x)


def _conv(
    x: keras.KerasTensor, filters: int, kernel_size: int, strides: int, name: str
) -> keras.KerasTensor:
    x = keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        name=f"{name}_conv",
    )(x)
    return _batch_norm(x, name)


def _batch_norm(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return keras.layers.BatchNormalization(epsilon=_BATCH_NORM_EPSILON, name=f"{name}_bn")(x)
