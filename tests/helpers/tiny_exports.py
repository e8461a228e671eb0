"""Models as the trainer exports them, with a small backbone and a head of random weights."""

from pathlib import Path

import keras
import numpy as np
from tiny_backbone import OPTIONS, tiny_backbone

from components.pusher.version_store import Push, VersionStore
from trainer_module.classifier import Classifier, build_classifier
from trainer_module.export.acceptance_rule import AcceptanceRule
from trainer_module.export.model_description import ACCEPTANCE
from trainer_module.export.novelty import fit_novelty
from trainer_module.export.saved_model import export_classifier
from trainer_module.training_options import BackboneOptions

LABELS = ("chat", "h\u00e4\u00df \u2603", "<b>")


def export_tiny(
    folder: Path,
    seed: int,
    image_size: int = 32,
    backbone: BackboneOptions | None = None,
    temperature: float = 1.0,
    with_rule: bool = False,
) -> Path:
    """Export a classifier whose weights depend on the seed alone.

    Args:
        folder: Folder of the SavedModel.
        seed: Seed of the weights of the head, and of a backbone without weights from a file.
        image_size: Height and width of the input of the backbone, in pixels.
        backbone: Backbone of the classifier, by default `tiny_backbone`.
        temperature: Number by which logits are divided before the softmax.
        with_rule: Whether the model has the outputs `novelty` and `accepted`; see `tiny_rule`.
    """
    keras.utils.set_random_seed(seed)
    with tiny_backbone():
        options = backbone or BackboneOptions(**OPTIONS)
        made = build_classifier(options, image_size, LABELS)
        kernel, bias = made.head.get_weights()
        made.head.set_weights([np.random.default_rng(seed).normal(0, 0.2, kernel.shape), bias])
        rule = tiny_rule(made) if with_rule else None
        limits = rule and {
            "min_confidence": rule.min_confidence,
            "max_novelty": rule.max_novelty,
        }
        report = {ACCEPTANCE: limits} if limits else {}
        export_classifier(made, report, str(folder), temperature, rule)
    return folder


def tiny_rule(made: Classifier) -> AcceptanceRule:
    """Return a rule for pictures of one colour: every second one is as usual as the others."""
    size = made.backbone.image_size
    colours = np.random.default_rng(1).integers(0, 256, (128, 1, 1, 3))
    pixels = np.broadcast_to(colours, (128, size, size, 3)).astype(np.float32)
    embeddings = made.backbone.model(pixels, training=False).numpy()
    model = fit_novelty(embeddings[::2], *[np.array(["colour"] * 64)] * 2, embeddings[1::2])
    return AcceptanceRule(model, min_confidence=0.34, max_novelty=0.9)


def push_of(seed: int) -> Push:
    """What is remembered of such a model."""
    return Push(str(seed), "run", "key", None, "2024-01-01T00:00:00+00:00", {})


def push_tiny(store: VersionStore, folder: Path, seed: int, image_size: int = 32) -> int:
    """Export one and push it; returns the version."""
    return store.push(export_tiny(folder, seed, image_size), push_of(seed))
