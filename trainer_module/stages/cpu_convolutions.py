"""Convolutions whose gradients take less time on a CPU than those of TensorFlow."""

import functools
import os
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

#: Most pairs of an input and an output position for which the gradient of a depthwise kernel is
#: computed from all pairs. Above, oneDNN's own takes less time.
MAX_PAIRS = 36 * 36

#: Environment variable by which TensorFlow uses oneDNN.
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


def with_cpu_convolutions(model: keras.Model) -> keras.Model:
    """Return a model with the same layers and weights, and faster gradients on a CPU.

    - A convolution of 1x1 is a product of matrices. Without oneDNN, TensorFlow's gradient of its
      input takes up to six times as long as the product; with it, 1.3 times.
    - The gradient of a depthwise kernel over a few positions takes oneDNN much longer than the
      forward pass: 28 ms for a kernel of 5x5 over 3x3 positions of 1,152 channels, in a batch of
      32. From pairs of positions it takes 3 ms. Without oneDNN, TensorFlow's own takes 2 ms.

    Results and gradients differ from those of the layers by rounding only.

    Args:
        model: Functional model. Layers of other kinds are used as they are.
    """
    return keras.models.clone_model(model, clone_function=_replacement)


def _replacement(layer: keras.Layer) -> keras.Layer:
    if is_pointwise(layer):
        return _PointwiseConvolution(layer)
    if is_small_depthwise(layer):
        return _SmallDepthwiseConvolution(layer)
    return layer


def is_pointwise(layer: keras.Layer) -> bool:
    """Return whether a layer is a convolution of 1x1 that a product of matrices replaces."""
    return (
        type(layer) is keras.layers.Conv2D
        and layer.kernel_size == layer.strides == layer.dilation_rate == (1, 1)
        and layer.groups == 1
        and layer.data_format == "channels_last"
    )


def is_small_depthwise(layer: keras.Layer) -> bool:
    """Return whether a layer is a depthwise convolution over few positions, see `MAX_PAIRS`."""
    if (
        os.environ.get(ONEDNN) != "1"
        or type(layer) is not keras.layers.DepthwiseConv2D
        or layer.depth_multiplier != 1
        or layer.dilation_rate != (1, 1)
        or layer.strides[0] != layer.strides[1]
        or layer.data_format != "channels_last"
    ):
        return False
    positions = [*layer.input.shape[1:3], *layer.output.shape[1:3]]
    return None not in positions and bool(np.prod(positions) <= MAX_PAIRS)


class _ConvolutionWrapper(keras.layers.Layer):
    """Layer with the name, the dtype and the weights of a convolution."""

    def __init__(self, convolution: Any) -> None:
        super().__init__(name=convolution.name, dtype=convolution.dtype_policy)
        self.convolution = convolution
        self.trainable = convolution.trainable
        self.built = True

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the convolution's output."""
        return self.convolution.compute_output_shape(input_shape)  # type: ignore[no-any-return]

    def _finish(self, outputs: tf.Tensor) -> tf.Tensor:
        if self.convolution.use_bias:
            outputs = outputs + tf.convert_to_tensor(self.convolution.bias)
        return self.convolution.activation(outputs)


class _PointwiseConvolution(_ConvolutionWrapper):
    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the activations of the convolution."""
        kernel = tf.convert_to_tensor(self.convolution.kernel)
        channels, filters = kernel.shape[2:]
        matrix = tf.reshape(kernel, (channels, filters))
        rows = tf.matmul(tf.reshape(inputs, (-1, channels)), matrix)
        return self._finish(tf.reshape(rows, (-1, *inputs.shape[1:3], filters)))


class _SmallDepthwiseConvolution(_ConvolutionWrapper):
    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the activations of the convolution."""
        kernel = tf.convert_to_tensor(self.convolution.kernel)
        stride, padding = self.convolution.strides[0], self.convolution.padding.upper()
        return self._finish(depthwise_convolution(inputs, kernel, stride, padding))


def depthwise_convolution(
    inputs: tf.Tensor, kernel: tf.Tensor, stride: int, padding: str
) -> tf.Tensor:
    """Return a depthwise convolution whose kernel gradient is computed from pairs of positions.

    Args:
        inputs: Activations, float [batch, height, width, channels]; height and width are static.
        kernel: Kernel, float [height, width, channels, 1].
        stride: Stride in both directions.
        padding: `SAME` or `VALID`.
    """
    strides = (1, stride, stride, 1)

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def convolve(inputs: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            of_inputs = tf.nn.depthwise_conv2d_backprop_input(
                tf.shape(inputs), kernel, upstream, strides, padding
            )
            return of_inputs, _kernel_gradient(inputs, upstream, kernel.shape, stride, padding)

        return tf.nn.depthwise_conv2d(inputs, kernel, strides, padding), gradient

    return convolve(inputs, kernel)


def _kernel_gradient(
    inputs: tf.Tensor, upstream: tf.Tensor, shape: tf.TensorShape, stride: int, padding: str
) -> tf.Tensor:
    """Return the gradient of a depthwise kernel.

    For every channel, the products of all input positions with all output positions are summed
    over the batch, by one product of matrices. Each element of the kernel is the sum over the
    pairs of positions that it connects.
    """
    height, width, channels = inputs.shape[1:]
    out_height, out_width = upstream.shape[1:3]
    rows, columns = shape[0], shape[1]
    by_input = tf.transpose(tf.reshape(inputs, (-1, height * width, channels)), (2, 1, 0))
    by_output = tf.transpose(
        tf.reshape(upstream, (-1, out_height * out_width, channels)), (2, 0, 1)
    )
    pairs = tf.reshape(tf.matmul(by_input, by_output), (channels, -1))
    vertical = _connections(height, out_height, rows, stride, padding)
    horizontal = _connections(width, out_width, columns, stride, padding)
    # [in row, in column, out row, out column, kernel row, kernel column]
    connected = np.einsum("ack,bdl->abcdkl", vertical, horizontal)
    elements = tf.constant(connected.reshape(-1, rows * columns), pairs.dtype)
    return tf.reshape(tf.transpose(tf.matmul(pairs, elements)), shape)


@functools.cache
def _connections(
    size: int, out_size: int, kernel: int, stride: int, padding: str
) -> npt.NDArray[np.float32]:
    """Return which element connects which positions along an axis, 0 or 1 [in, out, kernel]."""
    before = max((out_size - 1) * stride + kernel - size, 0) // 2 if padding == "SAME" else 0
    connected: npt.NDArray[np.float32] = np.zeros((size, out_size, kernel), np.float32)
    for out_position in range(out_size):
        for element in range(kernel):
            position = out_position * stride + element - before
            if 0 <= position < size:
                connected[position, out_position, element] = 1
    return connected
