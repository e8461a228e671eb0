"""Backbones by name: Keras models that scale their own input, and their ImageNet weights."""

from trainer_module.backbones.backbone import Backbone, build_backbone, rebuild_backbone
from trainer_module.backbones.backbone_registry import (
    backbone_names,
    default_image_size,
    is_backbone_name,
    min_image_size,
    num_parameters,
)
from trainer_module.backbones.blocks import INPUT, split_at

__all__ = [
    "INPUT",
    "Backbone",
    "backbone_names",
    "build_backbone",
    "default_image_size",
    "is_backbone_name",
    "min_image_size",
    "num_parameters",
    "rebuild_backbone",
    "split_at",
]
