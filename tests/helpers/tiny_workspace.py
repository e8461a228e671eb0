"""A workspace whose serving version is a tiny model of colours, and batches of colours for it."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tiny_models import LABELS, ColourModel, save_model
from tiny_pictures import solid, write_files

from components.pusher.data_set import SCHEMA
from components.pusher.version_store import Push, VersionStore
from trainer_module.contract.model_assets import PICTURES
from trainer_module.export.reference_embeddings import Reference

#: Name of the model.
NAME = "colours"

#: The only domain that the serving version knows, and its accuracy there.
KNOWN_DOMAIN, KNOWN_ACCURACY = "day", 0.9


def shade(label: str, seed: int) -> tuple[int, int, int]:
    """Return a colour that the model classifies as `label`; every seed gives another shade."""
    channels = np.random.default_rng(seed).integers(0, 100, 3)
    channels[LABELS.index(label)] += 150
    red, green, blue = map(int, channels)
    return red, green, blue


def serve_colours(root: Path) -> VersionStore:
    """Push version 1 of a model of colours, trained on a domain `day`."""
    model = save_model(root / "model", ColourModel())
    shades = [shade(LABELS[seed % 3], seed) for seed in range(60)]
    Reference(
        embeddings=np.array(shades, np.float32),
        confidences=np.full(len(shades), 0.8, np.float32),
        domains=np.array([KNOWN_DOMAIN] * len(shades)),
        labels=np.array([LABELS[seed % 3] for seed in range(60)]),
    ).write(str(model))
    rows = [
        {
            "location": f"known/day/{LABELS[number % 3]}/{number}.png".encode(),
            "domain": KNOWN_DOMAIN,
            "label": LABELS[number % 3],
            "split": "test" if number < 3 else "train",
            "content": bytes([number] * 16),
            "group": bytes([number] * 16),
        }
        for number in range(9)
    ]
    # They are there, and a run that reads them rejects them.
    write_files(root, {row["location"].decode(): b"no picture" for row in rows})
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), model / PICTURES)
    return push_copy(VersionStore(root, NAME), model, "run 1")


def push_copy(
    store: VersionStore, model: Path, run_id: str, batch: str | None = None
) -> VersionStore:
    """Push a folder of a model as the next version."""
    domains = {KNOWN_DOMAIN: {"accuracy": KNOWN_ACCURACY}}
    store.push(model, Push(run_id, run_id, "key", None, "2024-01-01T00:00:00", domains, batch))
    return store


def write_colours(
    folder: Path, domain: str, pictures: Iterable[tuple[str, str]], seed: int = 100
) -> Path:
    """Write a complete delivery.

    Args:
        folder: Folder of the delivery.
        domain: Name of the domain.
        pictures: Label of every picture, and the class as which the model classifies it.
        seed: Seed of the first picture's shade.
    """
    files = {
        f"{domain}/{label}/{number}.png": solid(shade(predicted, seed + number))
        for number, (label, predicted) in enumerate(pictures)
    }
    return write_files(folder, files | {"_READY": b""})
