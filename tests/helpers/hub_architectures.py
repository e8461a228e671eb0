"""Architectures of usual presets of keras-hub, with random weights: their speed is the same.

Presets have their configuration with their weights, which are not in the package. The values here
are those of the papers. The numbers of parameters are those of keras-hub's list of presets; for
DINOv2 it counts the positions of 518 pixels, and for SigLIP the part that reads texts, too.
"""

from collections.abc import Callable
from typing import Any

import keras

#: Side of the pictures in pixels.
SIZE = 224

_SHAPE: dict[str, Any] = {"image_shape": (SIZE, SIZE, 3)}
_SMALL: dict[str, Any] = {"num_layers": 12, "num_heads": 6, "hidden_dim": 384}
_BASE: dict[str, Any] = {"num_layers": 12, "num_heads": 12, "hidden_dim": 768}


def _vit() -> keras.Model:
    from keras_hub.models import ViTBackbone

    return ViTBackbone(**_SHAPE, **_BASE, patch_size=16, mlp_dim=3072)


def _deit() -> keras.Model:
    from keras_hub.models import DeiTBackbone

    return DeiTBackbone(**_SHAPE, **_SMALL, patch_size=16, intermediate_dim=1536)


def _dinov2() -> keras.Model:
    from keras_hub.models import DINOV2Backbone

    position = {"position_embedding_shape": (518, 518, 3), "name": "dinov2"}
    return DINOV2Backbone(**_SHAPE, **_SMALL, **position, patch_size=14, intermediate_dim=1536)


def _siglip() -> keras.Model:
    from keras_hub.models import SigLIPVisionEncoder

    return SigLIPVisionEncoder(**_SHAPE, **_BASE, patch_size=16, intermediate_dim=3072)


def _resnet() -> keras.Model:
    from keras_hub.models import ResNetBackbone

    return ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 128, 256, 512],
        stackwise_num_blocks=[3, 4, 6, 3],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="bottleneck_block",
    )


def _densenet() -> keras.Model:
    from keras_hub.models import DenseNetBackbone

    return DenseNetBackbone(
        stackwise_num_repeats=[6, 12, 24, 16], compression_ratio=0.5, growth_rate=32
    )


#: Function that builds a network, by the name of the preset.
ARCHITECTURES: dict[str, Callable[[], keras.Model]] = {
    "vit_base_patch16_224_imagenet": _vit,
    "deit_small_distilled_patch16_224_imagenet": _deit,
    "dinov2_small": _dinov2,
    "siglip_base_patch16_224": _siglip,
    "resnet_50_imagenet": _resnet,
    "densenet_121_imagenet": _densenet,
}
