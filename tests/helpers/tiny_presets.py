"""A small network of each family of keras-hub, saved as a preset with random weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

#: Side of the pictures in pixels. Patches have 8.
SIZE = 32

_PATCHES: dict[str, Any] = {
    "image_shape": (SIZE, SIZE, 3),
    "patch_size": 8,
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 16,
}
_ENCODER: dict[str, Any] = {**_PATCHES, "intermediate_dim": 32}
_TEXT: dict[str, Any] = {
    "vocabulary_size": 8,
    "embedding_dim": 16,
    "hidden_dim": 16,
    "num_layers": 1,
    "num_heads": 2,
    "intermediate_dim": 32,
    "max_sequence_length": 4,
}


def _vit() -> keras.Model:
    from keras_hub.models import ViTBackbone

    return ViTBackbone(**_PATCHES, mlp_dim=32)


def _deit() -> keras.Model:
    from keras_hub.models import DeiTBackbone

    return DeiTBackbone(**_ENCODER)


def _dinov2() -> keras.Model:
    from keras_hub.models import DINOV2Backbone

    return DINOV2Backbone(
        **_ENCODER,
        num_register_tokens=2,
        position_embedding_shape=(2 * SIZE, 2 * SIZE, 3),
        name="dinov2",
    )


def _dinov3() -> keras.Model:
    from keras_hub.models import DINOV3Backbone

    return DINOV3Backbone(**_ENCODER, name="dinov3")


def _siglip() -> keras.Model:
    from keras_hub.models import SigLIPBackbone, SigLIPTextEncoder, SigLIPVisionEncoder

    return SigLIPBackbone(
        SigLIPVisionEncoder(**_ENCODER, name="siglip"), SigLIPTextEncoder(**_TEXT)
    )


def _clip() -> keras.Model:
    from keras_hub.models import CLIPBackbone, CLIPTextEncoder, CLIPVisionEncoder

    vision = CLIPVisionEncoder(**_ENCODER, name="clip_vision_encoder")
    return CLIPBackbone(vision, CLIPTextEncoder(**_TEXT, name="clip_text_encoder"), 8)


def _resnet() -> keras.Model:
    from keras_hub.models import ResNetBackbone

    return ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
    )


def _efficientnet() -> keras.Model:
    from keras_hub.models import EfficientNetBackbone

    return EfficientNetBackbone(
        stackwise_kernel_sizes=[3, 3],
        stackwise_num_repeats=[1, 2],
        stackwise_input_filters=[8, 8],
        stackwise_output_filters=[8, 16],
        stackwise_expansion_ratios=[1, 4],
        stackwise_squeeze_and_excite_ratios=[0.25, 0.25],
        stackwise_strides=[1, 2],
        stackwise_block_types=["v1", "v1"],
        width_coefficient=1.0,
        depth_coefficient=1.0,
        include_stem_padding=True,
    )


def _mobilenet() -> keras.Model:
    from keras_hub.models import MobileNetBackbone

    return MobileNetBackbone(
        stackwise_expansion=[[16, 16], [32]],
        stackwise_num_blocks=[2, 1],
        stackwise_num_filters=[[8, 8], [16]],
        stackwise_kernel_size=[[3, 3], [5]],
        stackwise_num_strides=[[2, 1], [1]],
        stackwise_se_ratio=[[None, None], [0.25]],
        stackwise_activation=[["relu", "relu"], ["hard_swish"]],
        stackwise_padding=[[1, 1], [2]],
        output_num_filters=32,
        input_activation="hard_swish",
        output_activation="hard_swish",
        input_num_filters=8,
        depthwise_filters=8,
        depthwise_stride=2,
        depthwise_residual=False,
        squeeze_and_excite=0.5,
        last_layer_filter=32,
    )


def _densenet() -> keras.Model:
    from keras_hub.models import DenseNetBackbone

    return DenseNetBackbone(stackwise_num_repeats=[1, 2], compression_ratio=0.5, growth_rate=4)


def _mit() -> keras.Model:
    from keras_hub.models import MiTBackbone

    return MiTBackbone(
        layerwise_depths=[1, 1],
        num_layers=2,
        layerwise_num_heads=[1, 2],
        layerwise_sr_ratios=[2, 1],
        max_drop_path_rate=0.1,
        layerwise_patch_sizes=[7, 3],
        layerwise_strides=[4, 2],
        image_shape=(SIZE, SIZE, 3),
        hidden_dims=[8, 16],
    )


#: Function that builds the network of a family, by the name of the family.
FAMILIES: dict[str, Callable[[], keras.Model]] = {
    "clip": _clip,
    "deit": _deit,
    "densenet": _densenet,
    "dinov2": _dinov2,
    "dinov3": _dinov3,
    "efficientnet": _efficientnet,
    "mit": _mit,
    "mobilenet": _mobilenet,
    "resnet": _resnet,
    "siglip": _siglip,
    "vit": _vit,
}


def save_preset(family: str, folder: Path) -> keras.Model:
    """Save a preset with the image converter of a family.

    Args:
        family: One of `FAMILIES`.
        folder: Folder of the preset.

    Returns:
        The network, whose weights are drawn from the seed of Keras.
    """
    network = FAMILIES[family]()
    save_network(network, folder, SIZE)
    return network


def save_network(network: keras.Model, folder: Path, size: int) -> None:
    """Save a preset with the image converter of its family, if that has one.

    Args:
        network: Network of keras-hub.
        folder: Folder of the preset.
        size: Side of the pictures in pixels.
    """
    from keras_hub.layers import ImageConverter

    network.save_to_preset(str(folder))
    converter = next(
        (one for one in _subclasses(ImageConverter) if one.backbone_cls is type(network)),
        ImageConverter,
    )
    converter(
        image_size=(size, size), scale=[0.015, 0.016, 0.017], offset=[-2.0, -1.9, -1.8]
    ).save_to_preset(str(folder))


def _subclasses(kind: type) -> list[Any]:
    return kind.__subclasses__()
