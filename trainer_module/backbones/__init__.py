"""Backbones: a name -> a Keras model that scales its own input, and its packaged weights."""

from trainer_module.backbones.backbone import Backbone, build_backbone
from trainer_module.backbones.blocks import split_at
from trainer_module.backbones.registry import backbone_names, default_image_size

__all__ = ["Backbone", "backbone_names", "build_backbone", "default_image_size", "split_at"]
