"""What we use of keras-hub beyond its documented API. Nothing else of ours may use it directly.

`tests/trainer_module/compat/test_keras_hub_internals.py` fails when a new keras-hub moves any of
it. keras-hub is not imported here: its layers are recognised by the names of their classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

#: Attributes with the inner layers of an encoder that is one layer, in the order of their calls.
_ENCODERS = {
    "ViTEncoder": ("dropout", "encoder_layers", "layer_norm"),
    "DeiTEncoder": ("encoder_layers", "layer_norm"),
    "DINOV2Encoder": ("layers",),
    "DINOV3Encoder": ("layers",),
}

#: Backbones whose first token is the class token.
_WITH_CLASS_TOKEN = {
    "CLIPVisionEncoder",
    "DINOV2Backbone",
    "DINOV3Backbone",
    "DeiTBackbone",
    "ViTBackbone",
}


def encoder_layers(layer: Any) -> list[Any]:
    """Return the inner layers of an encoder that keras-hub makes one layer of.

    Each one takes the tokens, float [batch, tokens, dim], and the same named arguments as the
    encoder. The result of the last one is that of the encoder.

    Args:
        layer: Built layer. If it is no such encoder, it has no inner layers.
    """
    found: list[Any] = []
    for attribute in _ENCODERS.get(type(layer).__name__, ()):
        inner = getattr(layer, attribute)
        found += inner if isinstance(inner, list) else [inner]
    return found


def needed_arguments(layer: Any) -> dict[str, Any]:
    """Return the arguments without which an inner layer of an encoder is no part of a graph."""
    # Its second result is None unless it is asked for, and a graph holds no None.
    is_deit = type(layer).__name__ == "DeiTEncoderBlock"
    return {"return_attention_scores": True} if is_deit else {}


def correct_output_shape(layer: Any) -> None:
    """Let a layer tell the shape that it returns, if it is known to tell another one.

    keras-hub 0.25 to 0.32: the embedding of SigLIP counts a class token, which it does not have.
    """
    if type(layer).__name__ == "SigLIPVisionEmbedding":
        tokens, dim = layer.num_positions, layer.hidden_dim
        layer.compute_output_shape = lambda input_shape: (input_shape[0], tokens, dim)


def depends_on_size_only(layer: Any) -> bool:
    """Return whether the result of a layer depends on the size of the images, not on the pixels."""
    return type(layer).__name__ == "DINOV3RopePositionEmbedding"


def has_class_token(backbone: keras.Model) -> bool:
    """Return whether the first token of a backbone of keras-hub stands for the whole picture."""
    known = type(backbone).__name__ in _WITH_CLASS_TOKEN
    return known and bool(getattr(backbone, "use_class_token", True))
