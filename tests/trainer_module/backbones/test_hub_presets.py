"""Small presets of every family of keras-hub, read from local folders."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from trainer_module.backbones import Backbone, build_backbone, rebuild_backbone, split_at
from trainer_module.backbones.saved_network import Architecture
from trainer_module.contract.errors import InputError

keras_hub = pytest.importorskip("keras_hub", reason="the extra `hub` is not installed")

from tiny_presets import FAMILIES, SIZE, save_preset  # noqa: E402  needs keras-hub

pytestmark = pytest.mark.component

#: A backbone, the network of keras-hub that it was read from, and its folder.
Read = tuple[Backbone, Any, Path]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Read]:
    made: dict[str, Read] = {}

    def read_family(family: str) -> Read:
        if family not in made:
            folder = tmp_path_factory.mktemp(family)
            keras.utils.set_random_seed(3)
            network = save_preset(family, folder)
            made[family] = (build_backbone(f"hub:{folder}"), network, folder)
        return made[family]

    return read_family


def _own_embeddings(network: Any, images: Any) -> Any:
    """Embeddings as keras-hub's own classifiers and papers take them."""
    if hasattr(network, "vision_encoder"):
        outputs = network.vision_encoder(images)
        return outputs[:, 0] if type(network).__name__ == "CLIPBackbone" else outputs
    outputs = network(images)
    return outputs[:, 0] if len(outputs.shape) == 3 else keras.ops.mean(outputs, axis=(1, 2))


@pytest.mark.parametrize("family", FAMILIES)
def test_embeddings_are_those_of_keras_hub_on_the_pictures_of_its_converter(
    family: str, read: Callable[[str], Read], images: np.ndarray
) -> None:
    backbone, network, folder = read(family)
    converter = keras_hub.layers.ImageConverter.from_preset(str(folder))
    expected = np.asarray(_own_embeddings(network, converter(images)))
    assert expected.std() > 0
    np.testing.assert_allclose(backbone.model(images), expected, rtol=1e-4, atol=1e-5)
    assert backbone.image_size == SIZE


@pytest.mark.parametrize("family", FAMILIES)
def test_the_parts_compute_what_the_model_computes_at_every_block(
    family: str, read: Callable[[str], Read], images: np.ndarray
) -> None:
    backbone, _, _ = read(family)
    expected = np.asarray(backbone.model(images))
    weights = 0
    for block in backbone.blocks:
        lower, upper = split_at(backbone.model, block)
        np.testing.assert_allclose(upper(lower(images)), expected, rtol=1e-4, atol=1e-5)
        assert len(lower.weights) > weights
        weights = len(lower.weights)
    assert len(lower.weights) + len(upper.weights) == len(backbone.model.weights)


@pytest.mark.parametrize(
    ("family", "blocks"),
    [
        ("clip", ("clip_vision_encoder_pre_layer_norm", "clip_vision_encoder_encoder_block_0")),
        ("deit", ("deit_patching_and_embedding", "transformer_block_1", "ln")),
        ("dinov2", ("dinov2_embeddings", "layers_0", "dinov2_layernorm")),
        ("dinov3", ("dinov3_embeddings", "layers_0", "dinov3_layernorm")),
        ("mit", ("patch_and_embed_0", "output_level_0", "patch_and_embed_1", "output_level_1")),
        ("resnet", ("pool1_pool", "stack0_block0_out", "stack1_block0_out")),
        ("siglip", ("siglip_embedding", "siglip_encoder_block_0", "siglip_post_layer_norm")),
        ("vit", ("dropout", "transformer_block_1", "ln")),
    ],
)
def test_every_layer_of_a_transformer_is_a_block(
    family: str, blocks: tuple[str, ...], read: Callable[[str], Read]
) -> None:
    found = read(family)[0].blocks[: len(blocks)]
    # Some versions of keras-hub spell the name of the layer so.
    assert tuple(name.replace("tranformer", "transformer") for name in found) == blocks


@pytest.mark.parametrize("family", FAMILIES)
def test_names_and_weights_are_the_same_from_the_description_alone(
    family: str, read: Callable[[str], Read], images: np.ndarray
) -> None:
    backbone, _, _ = read(family)
    assert backbone.architecture
    described = json.loads(json.dumps(backbone.architecture.as_json()))
    again = rebuild_backbone(backbone.name, SIZE, Architecture.from_json(described))
    assert [one.name for one in again.model.layers] == [one.name for one in backbone.model.layers]
    assert again.is_like(backbone)
    again.model.set_weights(backbone.model.get_weights())
    np.testing.assert_allclose(again.model(images), backbone.model(images), rtol=1e-5, atol=1e-6)


def test_the_texts_of_clip_are_left_out(read: Callable[[str], Read]) -> None:
    backbone, network, _ = read("clip")
    assert backbone.model.count_params() == network.vision_encoder.count_params()
    assert backbone.architecture
    assert "text" not in json.dumps(backbone.architecture.as_json())


def test_weights_can_be_random(read: Callable[[str], Read]) -> None:
    backbone, _, _ = read("vit")
    drawn = build_backbone(backbone.name, weights=None)
    assert drawn.is_like(backbone)
    assert np.abs(drawn.model.get_weights()[0] - backbone.model.get_weights()[0]).max() > 0


def test_a_dinov2_works_at_other_sizes_and_a_vit_does_not(read: Callable[[str], Read]) -> None:
    backbone = build_backbone(read("dinov2")[0].name, image_size=48)
    assert backbone.model.input_shape == (None, 48, 48, 3)
    with pytest.raises(InputError, match=r"positions for pictures of 32 pixels. Set image_size"):
        build_backbone(read("vit")[0].name, image_size=48)


def test_a_preset_without_a_converter_needs_a_scaling(
    read: Callable[[str], Read], tmp_path: Path, images: np.ndarray
) -> None:
    network = read("vit")[1]
    network.save_to_preset(str(tmp_path))
    with pytest.raises(InputError, match=r"no image_converter.json, .* set backbone.scaling$"):
        build_backbone(f"hub:{tmp_path}")
    backbone = build_backbone(f"hub:{tmp_path}", scaling="tf")
    expected = network(images / 127.5 - 1)[:, 0]
    np.testing.assert_allclose(backbone.model(images), expected, rtol=1e-4, atol=1e-5)


def test_another_scaling_is_another_backbone(read: Callable[[str], Read]) -> None:
    backbone = read("vit")[0]
    other = build_backbone(backbone.name, scaling="unit")
    assert not other.is_like(backbone)
    assert other.model.name != backbone.model.name  # the cache of activations has this name


def test_mixed_precision_reaches_the_inner_layers(read: Callable[[str], Read]) -> None:
    backbone = read("vit")[0]
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_backbone(backbone.name).model
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer(backbone.blocks[1]).compute_dtype == "bfloat16"
    assert {weight.dtype for weight in model.weights} == {"float32"}
