"""Builds a backbone from a network in files: one flat graph, with scaling before and pooling after.

A network of keras-hub has its encoder in one layer, a saved Keras model has models in it. In the
flat graph every block is a layer of its own, so that the network can be cut at it (`split_at`).
"""

from __future__ import annotations

import itertools
import re
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from trainer_module.backbones.grouped_convolutions import compute_without_xla
from trainer_module.backbones.input_scaling import scale_input
from trainer_module.backbones.preset_folder import WEIGHTS
from trainer_module.backbones.saved_network import Architecture, vision_encoder
from trainer_module.backbones.serialized_objects import needs_keras_hub
from trainer_module.compat.keras_hub_internals import (
    correct_output_shape,
    depends_on_size_only,
    encoder_layers,
    has_class_token,
    needed_arguments,
)
from trainer_module.compat.keras_internals import (
    Call,
    graph_calls,
    layers_with_several_outputs,
    run_graph,
)
from trainer_module.contract.errors import InputError

#: Layers between the last weights of a classification head and its output.
_AFTER_HEAD = {"Activation", "Dropout", "Flatten", "Reshape", "Softmax"}

#: Longest message of Keras that is told. Some hold all weights, or a whole configuration.
MAX_REASON = 300

#: Activations of a layer that returns logits or probabilities.
_HEAD_ACTIVATIONS = {"linear", "sigmoid", "softmax"}


def build_saved_network(
    name: str, architecture: Architecture, image_size: int, weights: Path | None
) -> keras.Model:
    """Build a backbone from an architecture, and load its weights.

    Args:
        name: Name of the backbone, for messages.
        architecture: Architecture of the network.
        image_size: Height and width of the images in pixels.
        weights: File with the weights: `.keras`, `.weights.h5` or the index of several files. None
            for random weights.

    Returns:
        A functional model from float32 RGB images in 0..255, shape
        `[batch, image_size, image_size, 3]`, to embeddings, shape `[batch, dim]`.

    Raises:
        InputError: The network does not take such images, is not a functional or sequential
            model, or the weights do not fit.
    """
    network = (architecture if weights else architecture.without_text()).network
    try:
        source = _deserialized(network, image_size)
        if weights:
            _load_weights(source, weights)
        source = getattr(source, "vision_encoder", source)
        model = _flat_model(source, architecture, image_size)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a damaged file makes Keras raise anything
        raise InputError(
            f"the backbone {name} cannot be built at image_size {image_size}: {_reason(error)}"
        ) from error
    if layers := layers_with_several_outputs(model):
        raise InputError(
            f"the backbone {name} cannot be trained in parts: layer {layers[0]} returns several "
            "tensors. Give a network whose layers return one"
        )
    return model


def _reason(error: Exception) -> str:
    """Return the beginning of a message of Keras, without its advice to load code."""
    reason = " ".join(str(error).split())
    if "safe_mode" in reason or "unsafe_deserialization" in reason:
        return "it holds a layer that Keras does not load from a file that is not trusted"
    return reason if len(reason) <= MAX_REASON else f"{reason[:MAX_REASON]} ..."


def _deserialized(network: Mapping[str, Any], image_size: int) -> Any:
    """Return the Keras object of a serialized network, in the precision of this process."""
    if needs_keras_hub(network):
        import keras_hub  # noqa: F401  it registers its layers

    config = _adapted(network, keras.config.dtype_policy().name)
    encoder = vision_encoder(config)
    if "image_shape" in encoder["config"]:
        encoder["config"]["image_shape"] = [image_size, image_size, 3]
    source = keras.saving.deserialize_keras_object(config, safe_mode=True)
    if not _is_functional(source) and not isinstance(source, keras.Sequential):
        kind = type(source).__name__
        raise InputError(f"a backbone must be a functional or sequential model. Received: {kind}")
    return source


def _adapted(value: Any, policy: str) -> Any:
    """Return a copy of JSON values with another precision, and without what a training needs."""
    if isinstance(value, list):
        return [_adapted(one, policy) for one in value]
    if not isinstance(value, Mapping):
        return value
    if value.get("class_name") == "DTypePolicy":
        return {**value, "config": {"name": policy}}
    dropped = ("compile_config",)
    return {key: _adapted(one, policy) for key, one in value.items() if key not in dropped}


def _load_weights(source: keras.Model, weights: Path) -> None:
    if not zipfile.is_zipfile(weights):  # a preset's; a saved Keras model is an archive
        source.load_weights(weights)
        return
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(weights) as archive:
        source.load_weights(archive.extract(WEIGHTS, folder))


def _flat_model(source: Any, architecture: Architecture, image_size: int) -> keras.Model:
    shape = (image_size, image_size, 3)
    images = keras.Input(shape, name="image", dtype="float32")
    graph = _FlatGraph(reserved=("image", "scaling", "features"))
    outputs = graph.call(source, scale_input(images, architecture.scaling))
    tensors = keras.tree.flatten(outputs)
    if len(tensors) != 1:
        raise InputError(f"a backbone must have one output. This one has {len(tensors)}")
    [tensor] = tensors
    if architecture.kind == "keras":
        tensor = _before_head(keras.Model(images, tensor))
    pooled = _pooled(tensor, has_class_token(source))
    # Activations are kept under this name: another scaling or network has another one.
    digest = architecture.without_text().digest
    model = keras.Model(images, pooled, name=f"{architecture.kind}_{digest}")
    compute_without_xla(model)
    return model


def _before_head(model: keras.Model) -> keras.KerasTensor:
    """Return the input of the classification head of a model; its output if it has none.

    The head is a last dense layer, or a convolution of one pixel, that returns logits or
    probabilities, with the dropout before it and what only reshapes or normalises after it.
    """
    calls = {id(call.output): call for call in graph_calls(model)}
    output = tensor = model.outputs[0]
    if len(output.shape) != 2:
        return output
    while _type(calls[id(tensor)]) in _AFTER_HEAD:
        [tensor] = calls[id(tensor)].inputs
    head = calls[id(tensor)]
    if not _is_head(head):
        return output
    [tensor] = head.inputs
    while _type(calls[id(tensor)]) == "Dropout":
        [tensor] = calls[id(tensor)].inputs
    return tensor


def _is_head(call: Call) -> bool:
    is_dense = _type(call) == "Dense"
    is_pixel = _type(call) == "Conv2D" and tuple(call.inputs[0].shape[1:3]) == (1, 1)
    activation = getattr(getattr(call.operation, "activation", None), "__name__", "")
    return (is_dense or is_pixel) and activation in _HEAD_ACTIVATIONS


def _type(call: Call) -> str:
    return type(call.operation).__name__


def _pooled(tensor: keras.KerasTensor, has_class_token: bool) -> keras.KerasTensor:
    """Return embeddings [batch, dim] of a feature map, of tokens, or of embeddings."""
    rank = len(tensor.shape)
    if rank == 4:
        return keras.layers.GlobalAveragePooling2D(name="features")(tensor)
    if rank == 3 and has_class_token:
        return keras.layers.Identity(name="features")(tensor[:, 0])
    if rank == 3:
        return keras.layers.GlobalAveragePooling1D(name="features")(tensor)
    if rank == 2:
        return keras.layers.Identity(name="features")(tensor)
    raise InputError(f"a backbone must return a feature map or tokens. Received: {tensor.shape}")


def _is_functional(layer: Any) -> bool:
    return isinstance(layer, keras.Model) and hasattr(layer, "operations")


class _FlatGraph:
    """Calls of the innermost layers, each under a name of its own.

    Keras numbers many layers by a counter of the process. Here they have the numbers of a new
    process, so that weights and block names mean the same in every run.
    """

    def __init__(self, reserved: tuple[str, ...]) -> None:
        """Begin a graph.

        Args:
            reserved: Names that other layers have.
        """
        self._names = set(reserved)
        self._named: dict[int, Any] = {}

    def call(self, layer: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the result of a layer, from calls of the layers in it."""
        if isinstance(layer, keras.Sequential):
            return self._call_all(layer.layers, *args)
        if _is_functional(layer) and len(layer.inputs) == 1:
            return run_graph(layer, args, self.call)
        if depends_on_size_only(layer):
            sizes = [np.zeros((1, *one.shape[1:]), np.float32) for one in args]
            return keras.tree.map_structure(keras.ops.convert_to_numpy, layer(*sizes))
        if inner := encoder_layers(layer):
            return self._encode(inner, *args, **kwargs)
        if id(layer) not in self._named:
            self._named[id(layer)] = layer
            layer.name = self._unique_name(layer)
            correct_output_shape(layer)
        return layer(*args, **kwargs)

    def _call_all(self, layers: list[Any], tensor: Any) -> Any:
        for layer in layers:
            tensor = self.call(layer, tensor)
        return tensor

    def _encode(self, layers: list[Any], tokens: Any, **kwargs: Any) -> Any:
        """Call the layers of an encoder. Their other results, such as attention, are left out."""
        for layer in layers:
            tokens = keras.tree.flatten(
                self.call(layer, tokens, **kwargs | needed_arguments(layer))
            )[0]
        return tokens

    def _unique_name(self, layer: Any) -> str:
        kind = re.sub(r"[^a-z0-9]", "", type(layer).__name__.lower())
        prefix = re.sub(r"_\d+$", "", layer.name)
        name = prefix if prefix.replace("_", "") == kind else layer.name
        numbered = (f"{name}_{number}" for number in itertools.count(1))
        unique = next(one for one in itertools.chain([name], numbered) if one not in self._names)
        self._names.add(unique)
        return unique
