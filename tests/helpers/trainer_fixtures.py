"""Small transformed examples, as Transform writes them."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import tensorflow as tf
import tiny_backbone

from trainer_module.contract import example_features
from trainer_module.data.picture_encoding import encode_pixels
from trainer_module.data.picture_storage import Storage

SIZE = 32
COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}

#: Options of the fine-tuning stage.
TUNING = {"epochs": 2, "views": 2, "batch_size": 8}


@dataclass(frozen=True)
class Row:
    """One picture of a split."""

    image_id: str
    domain: str
    label: str
    pixels: np.ndarray


def rows(domains: dict[str, int], per_class: int, seed: int) -> list[Row]:
    """Return noisy pictures, one colour per class; a domain adds its number to every pixel."""
    rng = np.random.default_rng(seed)
    split = []
    for domain, shift in domains.items():
        for label, colour in COLOURS.items():
            for number in range(per_class):
                noise = rng.normal(0, 20, (SIZE, SIZE, 3))
                pixels = np.clip(np.array(colour) + shift + noise, 0, 255).astype(np.uint8)
                split.append(Row(f"{domain}/{label}/{seed}-{number:02d}", domain, label, pixels))
    return split


def write_split(path: Path, split: list[Row], storage: Storage = "raw") -> str:
    """Write rows as one shard, in their order; return its file pattern."""
    path.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(path / "part-00000")) as writer:
        for row in split:
            writer.write(serialize(row, storage))
    return str(path / "*")


def serialize(row: Row, storage: Storage = "raw") -> bytes:
    """Return the transformed example of one row."""
    values = {
        example_features.IMAGE: encode_pixels(row.pixels, storage).numpy(),
        example_features.IMAGE_ID: row.image_id.encode(),
        example_features.DOMAIN: row.domain.encode(),
        example_features.LABEL: row.label.encode(),
    }
    example = tf.train.Example()
    for name, value in values.items():
        example.features.feature[name].bytes_list.value.append(value)
    return example.SerializeToString()


def fn_args(tmp_path: Path, training: dict, base_model: str | None = None) -> SimpleNamespace:
    """Return the `FnArgs` of `run_fn`, for a small dataset of two domains and `tiny_backbone`."""
    domains = {"day": 20, "night": -20}
    options = {
        "image_size": SIZE,
        "backbone": tiny_backbone.OPTIONS,
        "frozen": {"epochs": 20, "learning_rate": 0.05, "batch_size": 8},
        "fine_tuning": TUNING,
    }
    return SimpleNamespace(
        train_files=[write_split(tmp_path / "train", rows(domains, 6, seed=1))],
        eval_files=[write_split(tmp_path / "eval", rows(domains, 2, seed=2))],
        base_model=base_model,
        custom_config={"training": options | training},
        serving_model_dir=str(tmp_path / "model"),
        model_run_dir=str(tmp_path / "run"),
    )
