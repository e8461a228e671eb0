"""Program that computes activations as one of several workers, and stores all that it has then.

Usage: a module of `warm_process`, with the folder of the splits (see `write_splits`) and the folder
for `results.npz`; `TF_CONFIG` names the workers.
"""

import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import tiny_backbone
from trainer_fixtures import SIZE, rows, write_split

from trainer_module.activations.activation_cache import write_limit
from trainer_module.activations.activations import Activations
from trainer_module.activations.extraction import (
    add_views,
    extract_activations,
    extract_unlabelled,
)
from trainer_module.activations.inference import embed
from trainer_module.backbones import INPUT
from trainer_module.classifier import build_classifier
from trainer_module.data.transformed_examples import read_pictures
from trainer_module.data.weighting import NewPictures
from trainer_module.hardware import Hardware, set_up_hardware
from trainer_module.training_options import BackboneOptions, TrainingOptions
from trainer_module.training_task import create_task

#: Pictures of each class and domain; with three workers, parts are uneven and some are empty.
SPLITS = {
    "train": rows({"day": 20, "night": -20}, per_class=4, seed=1)[:22],
    "more": rows({"day": 20, "night": -20}, per_class=5, seed=1)[:28],
    "eval": rows({"night": -20}, per_class=1, seed=2)[:2],
}


def write_splits(folder: Path) -> None:
    """Write the splits, and a cache of activations that has room for some of them."""
    for name, split in SPLITS.items():
        write_split(folder / name, split)
    write_limit(folder / "cache", 2**29)


def compute(splits: Path, folder: Path, hardware: Hardware) -> dict[str, np.ndarray]:
    """Return all activations that a training has: plain, cached, unlabelled, and predictions."""
    keras.utils.set_random_seed(1)
    options = TrainingOptions(image_size=SIZE, fine_tuning={"views": 2})
    new_pictures = NewPictures(("night/red",), share=0.5)
    folder.mkdir(exist_ok=True)
    task = create_task(options, hardware, str(folder), new_pictures=new_pictures)
    train, more, evaluation = (
        read_pictures([f"{splits}/{name}/*"], SIZE, hardware.workers) for name in SPLITS
    )
    with tiny_backbone.tiny_backbone(), hardware.strategy.scope():
        classifier = build_classifier(
            BackboneOptions(**tiny_backbone.OPTIONS), SIZE, ("blue", "green", "red")
        )
    boundary, cached = "block0", replace(task, cache=f"{splits}/cache")
    results: dict[str, np.ndarray] = {}

    def keep(name: str, activations: Activations) -> None:
        results[f"{name}-embeddings"] = activations.embeddings
        views = [view for view in activations.views if isinstance(view, np.ndarray)]
        results.update({f"{name}-{number}": view for number, view in enumerate(views)})

    both = extract_activations((train, evaluation), classifier, boundary, task)
    keep("train", add_views(both[0], train, classifier, boundary, task))
    keep("eval", both[1])
    keep("unlabelled", extract_unlabelled(evaluation, classifier, boundary, task))
    # The first finds nothing in the cache, the second a part of its pictures, the third all.
    for number, pictures in enumerate((train, more, train)):
        [first] = extract_activations([pictures], classifier, boundary, cached)
        keep(f"cached {number}", add_views(first, pictures, classifier, boundary, cached))
    [at_input] = extract_activations([evaluation], classifier, INPUT, task)
    results["predicted pictures"] = embed(classifier, at_input, INPUT, task)
    night = both[0].select(both[0].domains == "night")
    results["predicted activations"] = embed(classifier, night, boundary, task)
    return results


if __name__ == "__main__":
    results_folder = Path(sys.argv[2])
    results = compute(Path(sys.argv[1]), results_folder, set_up_hardware())
    np.savez(results_folder / "results.npz", **results)
