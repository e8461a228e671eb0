"""Finds the blocks at whose output a backbone can be frozen or cut, and cuts it there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trainer_module.compat.keras_internals import Call, graph_calls
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


#: Boundary before the first block: no block is frozen, and the activations there are the pictures.
INPUT = "input"


class _Block(NamedTuple):
    """Consecutive cut points that belong together.

    Attributes:
        start: Convolution or merge that begins the block.
        end: Last call of the block.
    """

    start: Call
    end: Call


def block_names(model: keras.Model) -> tuple[str, ...]:
    """Return the names of the layers whose outputs end a block, from input to output.

    The output of a block is a feature map, or the tokens of a transformer, on which alone all
    later layers depend. A block is complete after the normalisation, activation and pooling that
    follow a convolution, a transformer layer or a merge (`Add`, `Concatenate`), and not in the wide
    middle of an inverted bottleneck. The output of the last block is pooled; input, scaling and
    embedding are no blocks. An architecture whose blocks read the two blocks before them (NASNet)
    has few such feature maps.

    Args:
        model: Functional model with one input and one output.

    Returns:
        Layer names, each of which `split_at` takes. None if the model has no feature map.
    """
    return tuple(node.operation.name for node in _block_outputs(model))


def split_at(model: keras.Model, block: str) -> tuple[keras.Model, keras.Model]:
    """Cut a model in two at the output of a block; the parts share its layers and weights.

    Cut at `INPUT`, the lower part returns the pictures, and the upper part is the whole model.

    Args:
        model: Functional model with one input and one output.
        block: One of `block_names(model)`, or `INPUT`.

    Returns:
        `lower`, from the input of the model to the output of the block, and `upper`, from there to
        the output of the model: `upper(lower(x))` equals `model(x)`.

    Raises:
        InputError: The model has no block of this name.
    """
    import keras  # here, so that the names of the backbones can be listed without TensorFlow

    outputs = {node.operation.name: node.output for node in _block_outputs(model)}
    allowed = ", ".join(outputs)
    outputs[INPUT] = model.inputs[0]
    if block not in outputs:
        raise InputError(f"block of {model.name} must be one of {allowed}. Received: {block!r}")
    cut = outputs[block]
    lower = keras.Model(model.inputs[0], cut, name=f"{model.name}_lower")
    upper = keras.Model(cut, model.outputs[0], name=f"{model.name}_upper")
    return lower, upper


def _block_outputs(model: keras.Model) -> list[Call]:
    cuts = [node for node in _cut_points(graph_calls(model)) if len(node.output.shape) in (3, 4)]
    if not any(_is_convolution(node) for node in cuts):
        return []
    blocks = [block for block in _blocks(cuts) if _type(block.start) != "DepthwiseConv2D"]
    ends = [
        block.end
        for index, block in enumerate(blocks)
        if index == 0 or not _is_expansion(block, blocks[index + 1 :])
    ]
    # DenseNet and ResNetV2 normalise after their last block, which also comes before the pooling.
    return ends if ends[-1] is cuts[-1] else [*ends, cuts[-1]]


def _cut_points(nodes: list[Call]) -> list[Call]:
    """Return the calls that every path from the input to the output passes.

    In a topological order, a call is a cut point exactly if no call after it reads the output of a
    call before it.
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


def _blocks(cuts: list[Call]) -> list[_Block]:
    """Group cut points into blocks: a convolution or merge, and the calls that complete it."""
    blocks: list[_Block] = []
    complete = True
    for node in cuts:
        if _is_merge(node) or _is_convolution(node):
            blocks.append(_Block(node, node))
            complete = False
        elif blocks and _is_merge(blocks[-1].start) and _type(node) in _NORMALISATIONS:
            complete = True  # pre-activation: the normalisation belongs to the next block
        elif not complete and _type(node) != "ZeroPadding2D":
            blocks[-1] = blocks[-1]._replace(end=node)
    return blocks


def _is_merge(node: Call) -> bool:
    # A product of two feature maps is a gate (squeeze-and-excitation) inside a block.
    return len(node.inputs) > 1 and _type(node) != "Multiply"


def _is_convolution(node: Call) -> bool:
    return bool(getattr(node.operation, "weights", ())) and _type(node) not in _NORMALISATIONS


def _is_expansion(block: _Block, later: list[_Block]) -> bool:
    """Return whether a block is a convolution whose channels the next block reduces again."""
    if _is_merge(block.start) or not later:
        return False
    return bool(block.end.output.shape[-1] > later[0].end.output.shape[-1])


def _type(node: Call) -> str:
    return type(node.operation).__name__
