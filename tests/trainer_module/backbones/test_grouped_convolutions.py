"""Grouped convolutions, against what Keras has XLA compute."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer_module.backbones.grouped_convolutions import compute_without_xla

pytestmark = pytest.mark.component


class _Block(keras.layers.Layer):
    """A layer with a convolution in it, as in MobileNet."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.convolution = keras.layers.Conv2D(kernel_size=3, **options)

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.convolution.build(input_shape)

    def call(self, inputs: Any) -> Any:
        return self.convolution(inputs)


def _operations(model: keras.Model) -> set[str]:
    signature = [tf.TensorSpec([None, 9, 9, 6], tf.float32)]
    traced = tf.function(model, input_signature=signature).get_concrete_function()
    return {operation.type for operation in traced.graph.get_operations()}


@pytest.mark.parametrize(
    ("options", "operation"),
    [
        ({"filters": 6, "groups": 6}, "DepthwiseConv2dNative"),
        ({"filters": 12, "groups": 6, "strides": 2}, "DepthwiseConv2dNative"),
        ({"filters": 6, "groups": 6, "strides": (1, 2)}, "Conv2D"),
        ({"filters": 4, "groups": 2, "padding": "same", "use_bias": False}, "Conv2D"),
        ({"filters": 9, "groups": 3, "dilation_rate": 2}, "Conv2D"),
    ],
)
def test_the_result_is_that_of_keras_without_a_compiled_function(
    options: dict[str, Any], operation: str
) -> None:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((9, 9, 6))
    model = keras.Model(inputs, _Block(bias_initializer="random_normal", **options)(inputs))
    values = np.random.default_rng(1).normal(size=(2, 9, 9, 6)).astype(np.float32)
    expected = np.asarray(model(values))
    weights = [weight.shape for weight in model.weights]
    assert "StatefulPartitionedCall" in _operations(model)

    compute_without_xla(model)
    np.testing.assert_allclose(model(values), expected, rtol=1e-4, atol=1e-5)
    assert [weight.shape for weight in model.weights] == weights
    found = _operations(model)
    assert operation in found
    assert not {name for name in found if "PartitionedCall" in name}
