"""Objectives on one device and on two replicas, as a program that prints its results as JSON.

Devices can only be divided before TensorFlow initialises them, so it runs in a process of its own.
"""

import json

import keras
import numpy as np
import tensorflow as tf

from trainer_module.stages.objectives import Coral, GroupDRO, create_objective
from trainer_module.training_options import ObjectiveOptions

Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def random_batch(rows: int = 24, domains: int = 3, seed: int = 1) -> Batch:
    """Return random losses of two heads, weights, embeddings and domain IDs."""
    random = np.random.default_rng(seed)
    losses = random.uniform(0.1, 2, (rows, 2)).astype(np.float32)
    weights = random.uniform(0.5, 1.5, rows).astype(np.float32)
    embeddings = random.normal(size=(rows, 5)).astype(np.float32)
    return losses, weights, embeddings, random.integers(0, domains, rows).astype(np.int32)


def train_two_steps(strategy: tf.distribute.Strategy, name: str) -> dict:
    """Train a linear model for two steps in a loop within one TensorFlow function."""
    with strategy.scope():
        kernel = keras.Variable(np.ones((5, 2)), dtype="float32")
        objective = create_objective(ObjectiveOptions(name=name, group_dro_step=0.5), 3)
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build([kernel])

    def step(losses, weights, embeddings, domains):
        with tf.GradientTape() as tape:
            outputs = tf.matmul(embeddings, kernel)
            value = objective(losses * tf.square(outputs), weights, outputs, domains)
        optimizer.apply(tape.gradient(value, [kernel.value]), [kernel])
        return value

    @tf.function
    def epoch():
        total = 0.0
        for rows in batches:
            values = strategy.run(step, args=rows)
            total += strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)
        return total

    rows = tf.data.Dataset.from_tensor_slices(random_batch(48)).batch(24)
    batches = strategy.experimental_distribute_dataset(rows)
    results = {"value": float(epoch()), "kernel": kernel.numpy().tolist()}
    if isinstance(objective, GroupDRO):
        results["shares"] = objective.shares.numpy().tolist()
    return results


def compare_coral(strategy: tf.distribute.Strategy) -> dict:
    """Return the objective on two replicas, and the mean of the objectives of their rows."""
    objective, rows = Coral(3), random_batch(24)
    batches = tf.data.Dataset.from_tensor_slices(rows).batch(24)
    (whole,) = strategy.experimental_distribute_dataset(batches)
    values = tf.function(lambda: strategy.run(objective, args=whole))()
    halves = [objective(*(column[half] for column in rows)) for half in (slice(12), slice(12, 24))]
    total = strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)
    return {"total": float(total), "mean": float(tf.reduce_mean(halves))}


def print_replicas() -> None:
    """Print the results of one device and of two replicas."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    one, two = tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
    results = {
        name: [train_two_steps(strategy, name) for strategy in (one, two)]
        for name in ("erm", "group_dro")
    }
    replicas = two.num_replicas_in_sync
    print(json.dumps({**results, "replicas": replicas, "coral": compare_coral(two)}))


if __name__ == "__main__":
    print_replicas()
