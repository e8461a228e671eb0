"""Runs by itself: load a SavedModel with nothing but TensorFlow, and call every signature.

Called as `python -I probe.py MODEL PICTURES SHARD...`: the SavedModel's folder, how many pictures
to send through it, and gzipped TFRecord shards of tf.Examples. Prints one JSON object: `problems`,
a list that is empty when the model can serve, and `seconds`.
"""

import json
import sys
import time
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any

OURS = frozenset({"pipeline", "components", "trainer_module"})


class RefuseOurCode(MetaPathFinder):
    """A model server has none of our code, so the model must not need it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        """Refuse our packages; leave all others to the next finder."""
        if fullname.split(".")[0] in OURS:
            raise ImportError(f"the exported model needs {fullname}, which a model server lacks")


def check_model(folder: str, pictures: int, shards: list[str]) -> list[str]:
    """Call every signature, with one picture and with several; returns the problems, in words."""
    import tensorflow as tf

    examples = tf.stack(list(tf.data.TFRecordDataset(shards).take(pictures)))
    images = tf.io.parse_example(examples, {"image": tf.io.FixedLenFeature([], tf.string)})["image"]
    signatures = tf.saved_model.load(folder).signatures
    problems = []
    for batch in sorted({1, len(examples)}):
        served = signatures["serving_default"](image=images[:batch])
        evaluated = signatures["serving_examples"](examples=examples[:batch])
        embedding = signatures["embed"](image=images[:batch])["embedding"]
        label_ids = signatures["label_id"](examples=examples[:batch])["label_id"]
        problems += check_answer(served, batch)
        if abs(served["probabilities"] - evaluated["probabilities"]).numpy().max() > 1e-4:
            problems.append("serving_default and serving_examples disagree on the same pictures")
        if not bool(tf.reduce_all(tf.math.is_finite(embedding))):
            problems.append("embeddings are not finite")
        if label_ids.shape != (batch,):
            problems.append("label_id does not give one id per example")
    return list(dict.fromkeys(problems))


def check_answer(answer: dict[str, Any], batch: int) -> list[str]:
    """There must be an answer per picture, and probabilities that sum to one."""
    probabilities = answer["probabilities"].numpy()
    if len(probabilities) != batch or answer["label"].shape != (batch,):
        return [f"{batch} pictures gave {len(probabilities)} answers"]
    if not (abs(probabilities.sum(axis=1) - 1) < 1e-3).all():  # false for NaN, too
        return ["probabilities do not sum to one"]
    return []


def main() -> None:
    """Check the model named on the command line."""
    sys.meta_path.insert(0, RefuseOurCode())
    folder, pictures, *shards = sys.argv[1:]
    start = time.perf_counter()
    try:
        problems = check_model(folder, int(pictures), shards)
    except Exception as error:  # whatever a server would stumble over is the finding
        problems = [f"{type(error).__name__}: {error}"]
    print(json.dumps({"problems": problems, "seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
