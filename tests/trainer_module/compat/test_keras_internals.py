"""The undocumented attributes of Keras that we use, as the installed Keras has them."""

import keras
import numpy as np
import pytest

from trainer_module.compat.keras_internals import (
    adam_state,
    graph_calls,
    inner_layers,
    normalization_weights,
)

pytestmark = pytest.mark.component

MOVED = (
    f"keras {keras.version()} moved {{}}. Change trainer_module/compat/keras_internals.py, which "
    "uses it."
)


def _model() -> keras.Model:
    """A layer that is called twice, a raw operation and a merge."""
    image = keras.Input((4,), name="image")
    shared = keras.layers.Dense(4, name="shared")
    twice = shared(keras.ops.tanh(shared(image)))
    return keras.Model(image, keras.layers.Add(name="sum")([twice, image]))


def test_a_functional_model_has_its_nodes_by_depth():
    model = _model()
    assert hasattr(model, "_nodes_by_depth"), MOVED.format("Functional._nodes_by_depth")
    [node] = model._nodes_by_depth[0]
    for attribute in ("operation", "input_tensors", "outputs"):
        assert hasattr(node, attribute), MOVED.format(f"Node.{attribute}")


def test_every_call_comes_after_the_calls_that_it_reads():
    model = _model()
    calls = graph_calls(model)
    names = [call.operation.name for call in calls]
    assert names[0] == "image"
    assert names[-1] == "sum"
    assert names.count("shared") == 2
    seen: set[int] = set()
    for call in calls:
        assert {id(tensor) for tensor in call.inputs} <= seen
        seen.add(id(call.output))
    assert calls[-1].output is model.outputs[0]


def test_layers_are_found_inside_other_layers():
    model = _model()
    assert hasattr(model, "_flatten_layers"), MOVED.format("Layer._flatten_layers")
    outer = keras.Sequential([keras.Input((4,)), model])
    assert {"shared", "sum"} <= {layer.name for layer in inner_layers(outer)}


def test_the_weights_of_a_normalization_are_its_mean_and_variance():
    layer = keras.layers.Normalization()
    layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]], np.float32))
    for attribute in ("adapt_mean", "adapt_variance"):
        assert hasattr(layer, attribute), MOVED.format(f"Normalization.{attribute}")
    mean, variance = normalization_weights(layer)
    np.testing.assert_allclose(mean, [2, 20])
    np.testing.assert_allclose(variance, [1, 100])
    layer.set_weights([np.array([5, 6]), np.array([7, 8]), np.array(1)])
    np.testing.assert_allclose(normalization_weights(layer)[0], [5, 6])


def test_adam_keeps_two_moments_of_every_variable():
    variables = [keras.Variable(np.zeros(2)), keras.Variable(np.zeros(3))]
    optimizer = keras.optimizers.AdamW(learning_rate=0.1, beta_1=0.9, beta_2=0.99)
    optimizer.build(variables)
    for attribute in ("_get_variable_index", "_momentums", "_velocities"):
        assert hasattr(optimizer, attribute), MOVED.format(f"Adam.{attribute}")
    optimizer.apply([np.zeros(2, np.float32), np.full(3, 2, np.float32)], variables)
    position, momentum, velocity = adam_state(optimizer, variables[1])
    assert position == 1
    np.testing.assert_allclose(momentum, np.full(3, 0.2), rtol=1e-5)
    np.testing.assert_allclose(velocity, np.full(3, 0.04), rtol=1e-5)
