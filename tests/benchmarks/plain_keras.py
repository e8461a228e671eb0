"""What Carryover has to beat: the one page of Keras that people write instead.

It does what the guide to transfer learning on keras.io teaches, and does it well: pictures are
decoded once and kept in memory, what is trained on varies, the best epoch by the eval split counts.
Backbone, weights, pictures, splits and the block above which is fine-tuned are those of Carryover.

    python tests/benchmarks/plain_keras.py --pictures LIST.csv --output FOLDER

LIST.csv has the columns path, domain, label and split (train, eval, test). FOLDER gets the model.
The last line printed is JSON: accuracy on the test split per domain, and the seconds of every part.
"""

import argparse
import csv
import json
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from trainer_module.backbones import build_backbone

EPOCHS = 5  # with the frozen backbone, and as many with its upper part
BATCH_SIZE = 32
FROZEN_RATE, FINE_TUNING_RATE = 1e-3, 3e-4

SPLITS = ("train", "eval", "test")

Row = dict[str, str]


def main(pictures: Path, image_size: int, seed: int, output: Path) -> None:
    """Train, test and save."""
    keras.utils.set_random_seed(seed)
    clock = Clock()
    rows = read_list(pictures)
    classes = sorted({row["label"] for row in rows["train"]})
    train, evaluation, test = (load(rows[name], classes, image_size) for name in SPLITS)
    fit_on = augment(train.shuffle(len(rows["train"])).batch(BATCH_SIZE))
    check_on = evaluation.batch(BATCH_SIZE).prefetch(tf.data.AUTOTUNE)

    backbone = build_backbone("efficientnet_lite0", image_size=image_size)
    backbone.model.trainable = False
    inputs = keras.Input((image_size, image_size, 3))
    features = backbone.model(inputs, training=False)
    features = keras.layers.Dropout(0.2)(features)
    model = keras.Model(inputs, keras.layers.Dense(len(classes))(features))
    weights = output / "best.weights.h5"
    best = keras.callbacks.ModelCheckpoint(
        weights, "val_accuracy", save_best_only=True, save_weights_only=True
    )
    clock.note("building")

    fit(model, FROZEN_RATE, fit_on, check_on, best)
    clock.note("frozen")

    unfreeze(backbone.model, above=backbone.blocks[len(backbone.blocks) // 2])
    fit(model, FINE_TUNING_RATE, fit_on, check_on, best)
    model.load_weights(weights)
    clock.note("fine_tuning")

    logits = model.predict(test.batch(BATCH_SIZE), verbose=0)
    result = by_domain(rows["test"], [classes[index] for index in logits.argmax(axis=-1)])
    clock.note("testing")

    model.save(output / "model.keras")
    clock.note("saving")
    print(json.dumps(result | {"seconds": clock.seconds}))


def read_list(path: Path) -> dict[str, list[Row]]:
    """Split -> its pictures."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [row for row in rows if row["split"] == name] for name in SPLITS}


def load(rows: list[Row], classes: list[str], image_size: int) -> tf.data.Dataset:
    """Pictures (uint8) and class ids, decoded and resized in the first epoch only."""

    def read(path: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        image.set_shape((None, None, 3))
        image = tf.image.resize(image, (image_size, image_size), antialias=True)
        return tf.cast(tf.round(tf.clip_by_value(image, 0, 255)), tf.uint8), label

    paths = [row["path"] for row in rows]
    labels = [classes.index(row["label"]) for row in rows]
    files = tf.data.Dataset.from_tensor_slices((paths, labels))
    return files.map(read, tf.data.AUTOTUNE).cache()


def augment(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Another variant of every picture in every epoch."""
    layers = keras.Sequential(
        [
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomZoom(0.15),
            keras.layers.RandomContrast(0.2),
        ]
    )

    def change(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return layers(tf.cast(images, tf.float32), training=True), labels

    return batches.map(change, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def fit(
    model: keras.Model,
    rate: float,
    train: tf.data.Dataset,
    evaluation: tf.data.Dataset,
    best: keras.callbacks.ModelCheckpoint,
) -> None:
    """Train for some epochs; the best one of both stages stays on disk."""
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(train, validation_data=evaluation, epochs=EPOCHS, callbacks=[best], verbose=2)


def unfreeze(backbone: keras.Model, above: str) -> None:
    """Make the layers above a block trainable, but for batch normalisation.

    Keras 3 lets `fit` override the `training=False` of a nested model (keras issue 20285); a layer
    that is not trainable keeps its statistics all the same.
    """
    backbone.trainable = True
    boundary = [layer.name for layer in backbone.layers].index(above)
    for index, layer in enumerate(backbone.layers):
        normalises = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = index > boundary and not normalises


def by_domain(rows: list[Row], predicted: list[str]) -> dict[str, object]:
    """Accuracy per domain, 0 to 1, and the mean and the worst of them."""
    right: dict[str, list[bool]] = {row["domain"]: [] for row in rows}
    for row, label in zip(rows, predicted, strict=True):
        right[row["domain"]].append(row["label"] == label)
    domains = {name: float(np.mean(found)) for name, found in sorted(right.items())}
    accuracies = list(domains.values())
    return {"domains": domains, "mean": float(np.mean(accuracies)), "worst": min(accuracies)}


class Clock:
    """Seconds of one part after the other."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def note(self, part: str) -> None:
        """Name what has just ended."""
        now = time.perf_counter()
        self.seconds[part], self._last = now - self._last, now


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--output", type=Path, required=True)
    main(**vars(parser.parse_args()))
