"""Grouped convolutions that every runtime of a model can compute.

Keras has TensorFlow compile a convolution with groups by XLA, because TensorFlow's own kernel does
not compute it on a CPU. ONNX has no operator for a compiled function, and compiling takes seconds.
"""

from __future__ import annotations

import functools
from typing import Any

import keras

from trainer_module.compat.keras_internals import inner_layers


def compute_without_xla(model: keras.Model) -> None:
    """Let the grouped convolutions of a model be computed by operations without groups.

    A convolution with one group per channel, as in MobileNet, is a depthwise one. The weights stay
    as they are, and the results differ by rounding only.

    Args:
        model: Built model. Its layers are changed.
    """
    for layer in inner_layers(model):
        if type(layer) is keras.layers.Conv2D and layer.groups > 1:
            layer.convolution_op = functools.partial(_convolve, layer)


def _convolve(layer: keras.layers.Conv2D, inputs: Any, kernel: Any) -> Any:
    """Return the result of `layer.convolution_op`.

    Args:
        layer: Layer with the options of the convolution.
        inputs: Activations, float [batch, height, width, channels].
        kernel: Kernel, float [rows, columns, channels / groups, filters].
    """
    rows, columns, channels, filters = kernel.shape
    options = {
        "strides": layer.strides,
        "padding": layer.padding,
        "data_format": layer.data_format,
        "dilation_rate": layer.dilation_rate,
    }
    if channels == 1 and layer.strides[0] == layer.strides[1]:
        shape = (rows, columns, layer.groups, filters // layer.groups)
        return keras.ops.depthwise_conv(inputs, keras.ops.reshape(kernel, shape), **options)
    axis = -1 if layer.data_format == "channels_last" else 1
    groups = zip(
        keras.ops.split(inputs, layer.groups, axis),
        keras.ops.split(kernel, layer.groups, -1),
        strict=True,
    )
    parts = [keras.ops.conv(part, of_group, **options) for part, of_group in groups]
    return keras.ops.concatenate(parts, axis)
