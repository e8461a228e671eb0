"""Models as the trainer exports them, with a small backbone and a head of random weights."""

from pathlib import Path

import keras
import numpy as np
from tiny_backbone import OPTIONS, tiny_backbone

from components.pusher.version_store import Push, VersionStore
from trainer_module.classifier import build_classifier
from trainer_module.export.saved_model import export_classifier
from trainer_module.training_options import BackboneOptions

LABELS = ("chat", "h\u00e4\u00df \u2603", "<b>")


def export_tiny(
    folder: Path,
    seed: int,
    image_size: int = 32,
    backbone: BackboneOptions | None = None,
    temperature: float = 1.0,
) -> Path:
    """Export a classifier whose weights depend on the seed alone.

    Args:
        folder: Folder of the SavedModel.
        seed: Seed of the weights of the head, and of a backbone without weights from a file.
        image_size: Height and width of the input of the backbone, in pixels.
        backbone: Backbone of the classifier, by default `tiny_backbone`.
        temperature: Number by which logits are divided before the softmax.
    """
    keras.utils.set_random_seed(seed)
    with tiny_backbone():
        options = backbone or BackboneOptions(**OPTIONS)
        made = build_classifier(options, image_size, LABELS)
        kernel, bias = made.head.get_weights()
        made.head.set_weights([np.random.default_rng(seed).normal(0, 0.2, kernel.shape), bias])
        export_classifier(made, {}, str(folder), temperature)
    return folder


def push_of(seed: int) -> Push:
    """What is remembered of such a model."""
    return Push(str(seed), "run", "key", None, "2024-01-01T00:00:00+00:00", {})


def push_tiny(store: VersionStore, folder: Path, seed: int, image_size: int = 32) -> int:
    """Export one and push it; returns the version."""
    return store.push(export_tiny(folder, seed, image_size), push_of(seed))
