"""Where a backbone can be frozen or cut: its block outputs, and the two parts beside one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from trainer_module.contract.errors import InputError

if TYPE_CHECKING:
    import keras

_NORMALISATIONS = {
    "BatchNormalization",
    "GroupNormalization",
    "InputNormalization",
    "LayerNormalization",
    "Normalization",
}


class _Node(NamedTuple):
    """One call of a layer (or a raw Keras operation) in the graph of a functional model."""

    operation: Any
    inputs: list[keras.KerasTensor]
    output: keras.KerasTensor


class _Block(NamedTuple):
    """A run of cut points that belong together: the one that starts it and its last."""

    start: _Node
    end: _Node


def block_names(model: keras.Model) -> tuple[str, ...]:
    """Names the layers whose outputs are the block outputs of a model, from input to output.

    A block output is a feature map that alone carries everything downstream, taken where a block
    is complete: after the normalisation, activation and pooling that follow a convolution or a
    merge (`Add`, `Concatenate`), and not in the wide middle of an inverted bottleneck. The last
    one is the feature map that is pooled; input, scaling and pooled features are not among them.
    An architecture whose blocks read the two blocks before them (NASNet) has few.

    Args:
        model: a functional model with one input and one output, convolutional up to its pooling.

    Returns:
        Layer names; each can be given to `split_at`.
    """
    return tuple(node.operation.name for node in _block_outputs(model))


def split_at(model: keras.Model, block: str) -> tuple[keras.Model, keras.Model]:
    """Cuts a model in two at a block output; the parts share its layers and weights.

    Args:
        model: a functional model with one input and one output.
        block: one of `block_names(model)`.

    Returns:
        `lower`, from the input of the model to the block's output, and `upper`, from there to
        the output of the model: `upper(lower(x))` equals `model(x)`.

    Raises:
        InputError: the model has no block of this name.
    """
    import keras  # Here, because the names of the backbones are wanted without TensorFlow.

    outputs = {node.operation.name: node.output for node in _block_outputs(model)}
    if block not in outputs:
        allowed = ", ".join(outputs)
        raise InputError(f"block of {model.name} must be one of {allowed}. Received: {block!r}")
    cut = outputs[block]
    lower = keras.Model(model.inputs[0], cut, name=f"{model.name}_lower")
    upper = keras.Model(cut, model.outputs[0], name=f"{model.name}_upper")
    return lower, upper


def _block_outputs(model: keras.Model) -> list[_Node]:
    cuts = [node for node in _cut_points(_nodes(model)) if len(node.output.shape) == 4]
    blocks = [block for block in _blocks(cuts) if _type(block.start) != "DepthwiseConv2D"]
    ends = [
        block.end
        for index, block in enumerate(blocks)
        if index == 0 or not _is_expansion(block, blocks[index + 1 :])
    ]
    # DenseNet and ResNetV2 normalise after their last block: that is below the pooling, too.
    return ends if ends[-1] is cuts[-1] else [*ends, cuts[-1]]


def _nodes(model: keras.Model) -> list[_Node]:
    """Returns the calls that make up the model, each after those whose outputs it reads.

    Keras's public attributes describe only the first call of a layer; a part that `split_at`
    returned is made of later ones.
    """
    by_depth = model._nodes_by_depth
    nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    return [_Node(node.operation, node.input_tensors, node.outputs[0]) for node in nodes]


def _cut_points(nodes: list[_Node]) -> list[_Node]:
    """Returns the nodes that every path from the input to the output passes.

    In a topological order, a node is one exactly if no node before it is read by one after it.
    """
    position = {id(node.output): index for index, node in enumerate(nodes)}
    last_reader = list(range(len(nodes)))
    for index, node in enumerate(nodes):
        for tensor in node.inputs:
            last_reader[position[id(tensor)]] = index
    cuts, reach = [], 0
    for index, node in enumerate(nodes):
        if reach <= index:
            cuts.append(node)
        reach = max(reach, last_reader[index])
    return cuts


def _blocks(cuts: list[_Node]) -> list[_Block]:
    """Groups cut points: a convolution or merge, and what completes it."""
    blocks: list[_Block] = []
    complete = True
    for node in cuts:
        if _is_merge(node) or _is_convolution(node):
            blocks.append(_Block(node, node))
            complete = False
        elif blocks and _is_merge(blocks[-1].start) and _type(node) in _NORMALISATIONS:
            complete = True  # Pre-activation: the normalisation belongs to the next block.
        elif not complete and _type(node) != "ZeroPadding2D":
            blocks[-1] = blocks[-1]._replace(end=node)
    return blocks


def _is_merge(node: _Node) -> bool:
    # A product of two maps is a gate (squeeze-and-excitation) inside a block.
    return len(node.inputs) > 1 and _type(node) != "Multiply"


def _is_convolution(node: _Node) -> bool:
    return bool(getattr(node.operation, "weights", ())) and _type(node) not in _NORMALISATIONS


def _is_expansion(block: _Block, later: list[_Block]) -> bool:
    """Tells a convolution whose channels the next block reduces again."""
    if _is_merge(block.start) or not later:
        return False
    return block.end.output.shape[-1] > later[0].end.output.shape[-1]


def _type(node: _Node) -> str:
    return type(node.operation).__name__
