"""From a name to a pretrained feature extractor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainer_module.backbones.blocks import block_names
from trainer_module.backbones.registry import EFFICIENTNET_LITE, default_image_size
from trainer_module.contract.errors import InputError

if TYPE_CHECKING:
    import keras

IMAGENET = "imagenet"
_MIN_IMAGE_SIZE = 32


@dataclass(frozen=True)
class Backbone:
    """A convolutional network that turns images into features.

    Attributes:
        name: one of `backbone_names()`.
        image_size: height and width in pixels of the images it takes.
        model: functional model from float32 RGB images in 0..255, shape
            `[batch, image_size, image_size, 3]`, to pooled features, shape `[batch, features]`.
            It scales the images itself.
        blocks: names of the layers at whose output it can be frozen or cut (`split_at`), from
            input to output; the last one is the feature map that is pooled.
    """

    name: str
    image_size: int
    model: keras.Model
    blocks: tuple[str, ...]


def build_backbone(
    name: str, weights: str | Path | None = IMAGENET, image_size: int | None = None
) -> Backbone:
    """Builds a backbone.

    Args:
        name: one of `backbone_names()`.
        weights: `"imagenet"`, `None` for random weights, or the path of a file: `.weights.h5` or
            `.h5` as Keras saves them for this backbone, or for EfficientNet-Lite the torch
            archive of its weights. The ImageNet weights of EfficientNet-Lite come from installed
            packages; Keras downloads those of the other backbones at first use.
        image_size: height and width of the images in pixels; `None` for the size that the
            backbone was trained at.

    Raises:
        InputError: a name, size or file that cannot be used.
        ModuleNotFoundError: the package with the weights is not installed.
        ConnectionError: the weights could not be downloaded.
    """
    size = default_image_size(name) if image_size is None else image_size
    if size < _MIN_IMAGE_SIZE:
        raise InputError(f"image_size must be at least {_MIN_IMAGE_SIZE}. Received: {image_size}")
    if weights not in (IMAGENET, None) and not Path(weights).is_file():
        raise InputError(
            f"weights must be 'imagenet', None or the path of a file. Received: {str(weights)!r}"
        )
    build = _build_lite if name in EFFICIENTNET_LITE else _build_keras_application
    model = build(name, weights, size)
    return Backbone(name, size, model, block_names(model))


# Keras is imported by the functions that need it: a config is checked without TensorFlow.


def _build_lite(name: str, weights: str | Path | None, size: int) -> keras.Model:
    from trainer_module.backbones import efficientnet_lite, efficientnet_lite_weights

    model = efficientnet_lite.build_efficientnet_lite(name, size)
    if weights == IMAGENET:
        weights = efficientnet_lite_weights.packaged_weights(name)
    if weights is None:
        return model
    if str(weights).endswith(".h5"):
        _load_keras_weights(model, weights)
    else:
        efficientnet_lite_weights.load_torch_weights(model, Path(weights))
    return model


def _build_keras_application(name: str, weights: str | Path | None, size: int) -> keras.Model:
    from trainer_module.backbones import keras_applications

    imagenet = weights == IMAGENET
    model = keras_applications.build_keras_application(name, size, imagenet)
    if weights is not None and not imagenet:
        _load_keras_weights(model, weights)
    return model


def _load_keras_weights(model: keras.Model, path: str | Path) -> None:
    try:
        model.load_weights(path)
    except (KeyError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} does not hold the weights of {model.name}: {reason}") from error
