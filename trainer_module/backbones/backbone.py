"""Builds a backbone, pretrained or not, from its name or from its architecture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainer_module.backbones.backbone_registry import (
    EFFICIENTNET_LITE,
    MIN_IMAGE_SIZE,
    default_image_size,
)
from trainer_module.backbones.blocks import block_names
from trainer_module.backbones.saved_network import (
    AUTO,
    Architecture,
    is_saved_network,
    read_saved_network,
)
from trainer_module.contract.errors import InputError

if TYPE_CHECKING:
    import keras

IMAGENET = "imagenet"


@dataclass(frozen=True)
class Backbone:
    """A network that turns images into embeddings.

    Attributes:
        name: One of `backbone_names()`, or the name of a network in files (`hub:`, `keras:`).
        image_size: Height and width of the input images in pixels.
        model: Functional model from float32 RGB images in 0..255, shape
            `[batch, image_size, image_size, 3]`, to embeddings (pooled activations), shape
            `[batch, dim]`. It scales the images itself.
        blocks: Names of the layers at whose output it can be frozen or cut (`split_at`), from
            input to output. The output of the last one is pooled.
        architecture: What a network in files is built from; None for one of `backbone_names()`.
    """

    name: str
    image_size: int
    model: keras.Model
    blocks: tuple[str, ...]
    architecture: Architecture | None = None

    def is_like(self, other: Backbone) -> bool:
        """Return whether the weights of another backbone mean the same in this one."""
        is_same = self.name == other.name
        if self.architecture or other.architecture:  # its files may be elsewhere now, or changed
            is_same = self.architecture == other.architecture
        shapes = [[weight.shape for weight in one.model.weights] for one in (self, other)]
        return is_same and shapes[0] == shapes[1]


def build_backbone(
    name: str,
    weights: str | Path | None = IMAGENET,
    image_size: int | None = None,
    scaling: str = AUTO,
    download: bool = False,
) -> Backbone:
    """Build a backbone.

    Args:
        name: One of `backbone_names()`, `hub:` and a preset of keras-hub or its folder, or `keras:`
            and the path of a saved Keras model.
        weights: `"imagenet"`, `None` for random weights, or the path of a file: `.weights.h5` or
            `.h5` as Keras saves them for this backbone, or for EfficientNet-Lite the torch
            archive of its weights. The ImageNet weights of EfficientNet-Lite come from installed
            packages; Keras downloads the weights of the other backbones at first use. For a network
            in files, `"imagenet"` means the weights in its files.
        image_size: Height and width of the images in pixels; `None` for the size that the
            backbone was trained at.
        scaling: Scaling of the input of a network in files, see `saved_network`.
        download: Whether a preset that is not in the local cache may be downloaded.

    Raises:
        InputError: The name, the size or a file is invalid.
        ModuleNotFoundError: The package with the weights is not installed.
        ConnectionError: The weights could not be downloaded.

    Example:
        >>> from trainer_module.backbones import build_backbone
        >>> backbone = build_backbone("efficientnet_lite0", weights=None, image_size=64)
        >>> backbone.model.output_shape
        (None, 1280)
        >>> backbone.blocks[0], backbone.blocks[-1]
        ('stem', 'top')
    """
    size = default_image_size(name, scaling, download) if image_size is None else image_size
    if size < MIN_IMAGE_SIZE:
        raise InputError(f"image_size must be at least {MIN_IMAGE_SIZE}. Received: {image_size}")
    if weights not in (IMAGENET, None) and not Path(weights).is_file():
        raise InputError(
            f"weights must be 'imagenet', None or the path of a file. Received: {str(weights)!r}"
        )
    if is_saved_network(name):
        return _build_saved(name, weights, size, scaling, download)
    build = _build_lite if name in EFFICIENTNET_LITE else _build_keras_application
    model = build(name, weights, size)
    return Backbone(name, size, model, block_names(model))


def rebuild_backbone(name: str, image_size: int, architecture: Architecture | None) -> Backbone:
    """Build a backbone with random weights, in the precision of this process.

    Args:
        name: Name of the backbone.
        image_size: Height and width of the images in pixels.
        architecture: Architecture of a network in files, which are not read again.
    """
    if architecture is None:
        return build_backbone(name, None, image_size)
    return _from_architecture(name, architecture, image_size, None)


# Keras is imported in functions, so that a config can be checked without TensorFlow.


def _build_saved(
    name: str, weights: str | Path | None, size: int, scaling: str, download: bool
) -> Backbone:
    network = read_saved_network(name, scaling, download)
    network.check_image_size(size)
    trained = network.files[-1] if weights == IMAGENET else None
    backbone = _from_architecture(name, network.architecture, size, trained)
    if weights not in (IMAGENET, None):
        _load_keras_weights(backbone.model, weights)
    return backbone


def _from_architecture(
    name: str, architecture: Architecture, size: int, weights: Path | None
) -> Backbone:
    from trainer_module.backbones.network_graph import build_saved_network

    model = build_saved_network(name, architecture, size, weights)
    blocks = block_names(model)
    if not blocks:
        raise InputError(f"the backbone {name} has no layer that returns a feature map or tokens")
    return Backbone(name, size, model, blocks, architecture.without_text())


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
