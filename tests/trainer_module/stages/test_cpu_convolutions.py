import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer_module.backbones import split_at
from trainer_module.stages.cpu_convolutions import (
    MAX_PAIRS,
    ONEDNN,
    depthwise_convolution,
    is_pointwise,
    is_small_depthwise,
    with_cpu_convolutions,
)

pytestmark = pytest.mark.component

LAYERS = keras.layers


@pytest.fixture(autouse=True)
def _onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ONEDNN, "1")
    keras.utils.set_random_seed(1)


def outputs_and_gradients(model: keras.Model, inputs: tf.Tensor) -> list[np.ndarray]:
    """Return the outputs of a model, and their gradients by the inputs and by all variables."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = model(inputs, training=False)
        # Every output has another weight, so that no two gradients are the same by chance.
        numbers = tf.reshape(tf.range(tf.size(outputs)), outputs.shape)
        loss = tf.reduce_sum(tf.cast(outputs, tf.float32) * tf.sin(tf.cast(numbers, tf.float32)))
    variables = [variable.value for variable in model.trainable_variables]
    gradients = tape.gradient(loss, [inputs, *variables])
    return [np.asarray(tf.cast(value, tf.float32)) for value in (outputs, *gradients)]


def assert_same(model: keras.Model, inputs: tf.Tensor, tolerance: float = 1e-4) -> None:
    replaced = with_cpu_convolutions(model)
    assert [v.path for v in replaced.trainable_variables] == [
        v.path for v in model.trainable_variables
    ]
    for ours, expected in zip(
        outputs_and_gradients(replaced, inputs), outputs_and_gradients(model, inputs), strict=True
    ):
        scale = np.abs(expected).max()
        np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance * scale)


def noise(*shape: int) -> tf.Tensor:
    return tf.random.stateless_normal(shape, seed=(1, 2))


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [
        *itertools.product([(3, 3), (5, 4)], [(3, 3), (5, 5)], [1, 2], ["SAME"]),
        *itertools.product([(5, 5), (6, 7)], [(3, 3), (5, 4)], [1, 2], ["VALID"]),
        ((1, 1), (5, 5), 1, "SAME"),
    ],
)
def test_a_depthwise_convolution_has_the_gradients_of_tensorflow(size, kernel, stride, padding):
    inputs, weights = noise(3, *size, 4), noise(*kernel, 4, 1)
    results = []
    for convolve in (
        lambda x, w: depthwise_convolution(x, w, stride, padding),
        lambda x, w: tf.nn.depthwise_conv2d(x, w, (1, stride, stride, 1), padding),
    ):
        with tf.GradientTape() as tape:
            tape.watch([inputs, weights])
            outputs = convolve(inputs, weights)
            loss = tf.reduce_sum(outputs**2)
        results.append([outputs, *tape.gradient(loss, [inputs, weights])])
    for ours, expected in zip(*results, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bias", [False, True])
def test_layers_are_replaced_with_their_weights_bias_and_activation(bias):
    inputs = keras.Input((4, 5, 3))
    expanded = LAYERS.Conv2D(8, 1, activation="relu", use_bias=bias, name="expand")(inputs)
    filtered = LAYERS.DepthwiseConv2D(
        3, strides=2, padding="same", activation="tanh", use_bias=bias, name="filter"
    )(expanded)
    model = keras.Model(inputs, LAYERS.Conv2D(2, 1, use_bias=bias, name="project")(filtered))
    for variable in model.trainable_variables:
        if variable.ndim == 1:
            variable.assign(keras.random.normal(variable.shape, seed=3))

    assert [type(layer).__name__ for layer in with_cpu_convolutions(model).layers[1:]] == [
        "_PointwiseConvolution",
        "_SmallDepthwiseConvolution",
        "_PointwiseConvolution",
    ]
    assert_same(model, noise(2, 4, 5, 3))


def test_a_layer_that_is_not_trained_stays_so():
    inputs = keras.Input((2, 2, 3))
    layer = LAYERS.Conv2D(4, 1)
    model = keras.Model(inputs, layer(inputs))
    layer.trainable = False
    assert with_cpu_convolutions(model).trainable_variables == []


def test_reduced_precision_is_kept():
    inputs = keras.Input((3, 3, 4))
    values = LAYERS.Conv2D(8, 1, dtype="mixed_bfloat16")(inputs)
    values = LAYERS.DepthwiseConv2D(3, padding="same", dtype="mixed_bfloat16")(values)
    model = keras.Model(inputs, values)
    assert with_cpu_convolutions(model)(noise(2, 3, 3, 4)).dtype == tf.bfloat16
    assert_same(model, noise(2, 3, 3, 4), tolerance=0.1)


def test_the_packaged_backbone_has_the_gradients_of_its_layers(efficientnet):
    _, upper = split_at(efficientnet.backbone.model, "block8")
    assert_same(upper, noise(2, *upper.input.shape[1:]), tolerance=1e-3)


@pytest.mark.parametrize(
    "layer",
    [
        LAYERS.Conv2D(4, 3),
        LAYERS.Conv2D(4, 1, strides=2),
        LAYERS.Conv2D(4, 1, groups=2),
        LAYERS.DepthwiseConv2D(3, depth_multiplier=2),
        LAYERS.DepthwiseConv2D(3, dilation_rate=2),
        LAYERS.SeparableConv2D(4, 1),
    ],
)
def test_other_layers_are_used_as_they_are(layer):
    inputs = keras.Input((5, 5, 4))
    model = keras.Model(inputs, layer(inputs))
    assert with_cpu_convolutions(model).layers[1] is layer


def test_depthwise_convolutions_over_many_positions_or_without_onednn_are_tensorflows(monkeypatch):
    side = int(MAX_PAIRS**0.25)

    def layer(size: int | None) -> keras.Layer:
        inputs, convolution = (
            keras.Input((size, size, 4)),
            LAYERS.DepthwiseConv2D(3, padding="same"),
        )
        convolution(inputs)
        return convolution

    assert is_small_depthwise(layer(side))
    assert not is_small_depthwise(layer(side + 1))
    assert not is_small_depthwise(layer(None))
    monkeypatch.setenv(ONEDNN, "0")
    assert not is_small_depthwise(layer(side))
    assert is_pointwise(LAYERS.Conv2D(4, 1))
