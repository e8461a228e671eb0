"""A backbone of five blocks, which is built, traced and exported in a tenth of the usual time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import keras

from trainer_module.backbones import efficientnet_lite
from trainer_module.backbones.backbone_registry import EFFICIENTNET_LITE, PARAMETERS

NAME = "tiny"

#: Number of values of an embedding.
DIM = 256

#: Values of `BackboneOptions`. The weights are drawn from the seed of Keras.
OPTIONS: dict[str, Any] = {"name": NAME, "weights": "none"}

_build_efficientnet_lite = efficientnet_lite.build_efficientnet_lite


@contextmanager
def tiny_backbone() -> Iterator[None]:
    """Let the trainer build the backbone by its name while the context lasts."""
    with (
        mock.patch.dict(EFFICIENTNET_LITE, {NAME: 32}),
        mock.patch.dict(PARAMETERS, {NAME: 75_000}),
        mock.patch.object(efficientnet_lite, "build_efficientnet_lite", _build),
    ):
        yield


def _build(name: str, image_size: int) -> keras.Model:
    """Build the tiny backbone under its name, and any other as the product does."""
    if name != NAME:
        return _build_efficientnet_lite(name, image_size)
    images = keras.Input((image_size, image_size, 3), name="image", dtype="float32")
    x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="scaling")(images)
    x = _block(x, 16, strides=2, name="stem")
    for index, filters in enumerate((16, 24, 32)):
        x = _block(x, filters, strides=1 + index % 2, name=f"block{index}")
    x = _block(x, DIM, strides=2, name="top")
    embeddings = keras.layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(images, embeddings, name=name)


def _block(x: keras.KerasTensor, filters: int, strides: int, name: str) -> keras.KerasTensor:
    x = keras.layers.Conv2D(
        filters,
        3,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
    return keras.layers.ReLU(6, name=name)(x)
