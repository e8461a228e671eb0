"""What we use of Keras beyond its documented API. Nothing else of ours may use it directly.

`tests/trainer_module/compat/test_keras_internals.py` fails when a new Keras moves any of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import keras


class Call(NamedTuple):
    """One call of a layer or of a raw Keras operation in the graph of a functional model.

    Attributes:
        operation: Layer or operation that is called.
        inputs: Symbolic tensors that the call reads.
        output: Symbolic tensor that the call returns.
    """

    operation: Any
    inputs: list[keras.KerasTensor]
    output: keras.KerasTensor


def graph_calls(model: keras.Model) -> list[Call]:
    """Return the calls that make up a functional model, each after the calls that it depends on.

    Args:
        model: Functional model, in which only the first output of an operation is read.
    """
    # Keras's public attributes (`model.operations`, `layer.input`, `layer.output`) describe only
    # the first call of a layer; a model that was cut out of another one is made of later calls.
    by_depth = model._nodes_by_depth
    nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    return [Call(node.operation, node.input_tensors, node.outputs[0]) for node in nodes]


def inner_layers(model: keras.Model) -> list[keras.Layer]:
    """Return all layers of a model, those inside other layers included."""
    # Documented is `model.layers`: the layers of the graph, without what is in them.
    return list(model._flatten_layers(include_self=False, recursive=True))


def layers_with_several_outputs(model: keras.Model) -> list[str]:
    """Return the names of the operations of a model of which others read more than one result."""
    nodes = [node for at_depth in model._nodes_by_depth.values() for node in at_depth]
    read = {id(tensor) for node in nodes for tensor in node.input_tensors}
    return [
        node.operation.name
        for node in nodes
        if any(id(output) in read for output in node.outputs[1:])
    ]


def run_graph(model: keras.Model, inputs: Any, call: Callable[..., Any]) -> Any:
    """Return the outputs of a functional model, from calls of the layers in it.

    Args:
        model: Functional model.
        inputs: Symbolic tensors in the structure of its inputs.
        call: Function that is called with every layer or raw operation of the graph, and with its
            arguments, in place of the layer itself.
    """
    # `keras.models.clone_model` does the same, but its result is not connected to tensors that are
    # outputs of other layers.
    return model._run_through_graph(inputs, operation_fn=lambda one: one, call_fn=call)


def normalization_weights(
    layer: keras.layers.Normalization,
) -> tuple[keras.Variable, keras.Variable]:
    """Return the weights of a Normalization layer: mean and variance per channel.

    Args:
        layer: Layer that was built without the arguments `mean` and `variance`.
    """
    # The documented attributes `mean` and `variance` are copies of these weights that
    # `set_weights` does not renew.
    return layer.adapt_mean, layer.adapt_variance


class AdamState(NamedTuple):
    """What Adam keeps of one trainable variable.

    Attributes:
        position: Number of the variable, in the order in which the optimizer was built.
        momentum: First moment of the gradients.
        velocity: Second moment of the gradients.
    """

    position: int
    momentum: keras.Variable
    velocity: keras.Variable


def adam_state(optimizer: keras.optimizers.Adam, variable: keras.Variable) -> AdamState:
    """Return what an optimizer keeps of a variable.

    Args:
        optimizer: Adam or AdamW, after it was built.
        variable: Trainable variable of the model.
    """
    # Documented is `optimizer.variables`: one list of all moments, without their meaning.
    position = optimizer._get_variable_index(variable)
    return AdamState(position, optimizer._momentums[position], optimizer._velocities[position])
