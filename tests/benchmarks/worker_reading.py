"""Program of `bench_workers`: writes pictures, or trains on them and counts those that it reads.

Usage: worker_reading.py write FOLDER SPLIT COUNT IMAGE_SIZE, or worker_reading.py train FOLDER
OPTIONS, with the options of the training as JSON.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import tensorflow as tf

from trainer_module import training
from trainer_module.contract import example_features
from trainer_module.data import picture_encoding

#: Colour of the pictures of each class.
COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}


def write(folder: str, split: str, count: str, image_size: str) -> None:
    """Write noisy pictures of each class and of two domains, as Transform does."""
    path = Path(folder, split)
    path.mkdir()
    rng = np.random.default_rng(len(split))
    names = list(COLOURS)
    with tf.io.TFRecordWriter(str(path / "part-00000")) as writer:
        for number in range(int(count)):
            label, domain = names[number % 3], ("day", "night")[number % 2]
            noise = rng.normal(0, 60, (int(image_size), int(image_size), 3))
            pixels = np.clip(np.array(COLOURS[label]) + noise, 0, 255).astype(np.uint8)
            values = {
                example_features.IMAGE: picture_encoding.encode_pixels(pixels, "raw").numpy(),
                example_features.IMAGE_ID: f"{domain}/{label}/{number}".encode(),
                example_features.DOMAIN: domain.encode(),
                example_features.LABEL: label.encode(),
            }
            example = tf.train.Example()
            for name, value in values.items():
                example.features.feature[name].bytes_list.value.append(value)
            writer.write(example.SerializeToString())


class Tally:
    """Number of the pictures that are read from the shards, in whatever way."""

    def __init__(self) -> None:
        self.count = 0
        self._dataset = tf.data.TFRecordDataset

    def records(self, files: Any) -> Any:
        """Return TensorFlow's dataset of records, which counts them."""

        def count(record: bytes) -> bytes:
            self.count += 1
            return record

        return self._dataset(files).map(
            lambda record: tf.ensure_shape(tf.numpy_function(count, [record], tf.string), [])
        )

    def consecutive(self, read: Any) -> Any:
        """Return a function that yields records, and counts them."""

        def counted(*arguments: Any) -> Any:
            for record in read(*arguments):
                self.count += 1
                yield record

        return counted

    def places(self, read: Any) -> Any:
        """Return a function that returns records, and counts them."""

        def counted(files: Any, places: Any) -> Any:
            self.count += len(places)
            return read(files, places)

        return counted


def train(folder: str, options: str) -> None:
    """Train, and print seconds and the number of pictures that this process has read."""
    tally, seconds = Tally(), {"index": 0.0}
    read_pictures = training.read_pictures

    def timed(*arguments: Any) -> Any:
        start = time.perf_counter()
        pictures = read_pictures(*arguments)
        seconds["index"] += time.perf_counter() - start
        return pictures

    # Another checkout may have only some of them, or none.
    counters = {
        "trainer_module.data.transformed_examples.consecutive_records": tally.consecutive,
        "trainer_module.data.picture_batches.read_places": tally.places,
        "trainer_module.data.stored_pictures.read_places": tally.places,
    }
    results: list[Any] = []
    train_stages = training.train_stages

    def kept(*arguments: Any) -> Any:
        results.append(train_stages(*arguments))
        return results[0]

    with tempfile.TemporaryDirectory() as own:
        args = SimpleNamespace(
            train_files=[f"{folder}/train/*"],
            eval_files=[f"{folder}/eval/*"],
            base_model=None,
            custom_config={"training": json.loads(options)},
            serving_model_dir=f"{own}/model",
            model_run_dir=f"{own}/run",
        )
        with (
            mock.patch.multiple(training, read_pictures=timed, train_stages=kept),
            mock.patch.object(tf.data, "TFRecordDataset", tally.records),
        ):
            start = time.perf_counter()
            run_counted(counters, lambda: training.run_fn(args))
    found = {stage.name: stage.seconds for stage in results[0].stages}
    found |= seconds | {"seconds": time.perf_counter() - start, "read": tally.count}
    print(json.dumps(found))


def run_counted(counters: dict[str, Any], run: Any) -> None:
    """Run with counting functions in place of those that exist."""
    patched = []
    for name, counter in counters.items():
        module, _, function = name.rpartition(".")
        loaded = sys.modules.get(module)
        if hasattr(loaded, function):
            patched.append(mock.patch.object(loaded, function, counter(getattr(loaded, function))))
    for patch in patched:
        patch.start()
    run()
    for patch in patched:
        patch.stop()


if __name__ == "__main__":
    {"write": write, "train": train}[sys.argv[1]](*sys.argv[2:])
