"""Program that loads a SavedModel as a model server does, and calls every signature.

It has TensorFlow and the protocol buffers of TensorFlow Serving, and none of our packages.

Usage: `python -I probe.py`, with one line on standard input, a JSON list: the folder of the
SavedModel, the number of pictures to send through it, and TFRecord files of tf.Examples. It prints
one JSON object: `problems`, a list that is empty if the model can serve, and `seconds`. TensorFlow
is imported before the line is read, so that the program can be started ahead of its work.
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any

#: Requests that model servers replay while they load a model, see TensorFlow Serving's "SavedModel
#: Warmup".
WARMUP_REQUESTS = "assets.extra/tf_serving_warmup_requests"

#: Our packages, which a model server does not have.
OURS = frozenset({"pipeline", "components", "trainer_module"})


class RefuseOurCode(MetaPathFinder):
    """Import hook that refuses our packages, so that a model that needs them does not load."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        """Raise an error for our packages, and leave all others to the next finder."""
        if fullname.split(".")[0] in OURS:
            raise ImportError(
                f"the exported model needs {fullname}, which a model server does not have"
            )


def check_model(folder: str, count: int, shards: list[str]) -> list[str]:
    """Replay the warm-up requests, and call every signature with one picture and with several.

    Args:
        folder: Folder of the SavedModel.
        count: Number of pictures to send through it.
        shards: Paths of TFRecord files with tf.Examples.

    Returns:
        The problems as sentences, without repetitions.
    """
    import tensorflow as tf

    examples = tf.stack(list(tf.data.TFRecordDataset(shards).take(count)))
    images = tf.io.parse_example(examples, {"image": tf.io.FixedLenFeature([], tf.string)})["image"]
    signatures = tf.saved_model.load(folder).signatures
    problems = replay_warmup(folder, signatures)
    for batch in sorted({1, len(examples)}):
        served = signatures["serving_default"](image=images[:batch])
        evaluated = signatures["serving_examples"](examples=examples[:batch])
        embedding = signatures["embed"](image=images[:batch])["embedding"]
        label_ids = signatures["label_id"](examples=examples[:batch])["label_id"]
        problems += check_predictions(served, batch)
        if abs(served["probabilities"] - evaluated["probabilities"]).numpy().max() > 1e-4:
            problems.append("serving_default and serving_examples disagree on the same pictures")
        if not bool(tf.reduce_all(tf.math.is_finite(embedding))):
            problems.append("embeddings are not finite")
        if label_ids.shape != (batch,):
            problems.append("label_id does not give one id per example")
    return list(dict.fromkeys(problems))


def replay_warmup(folder: str, signatures: Mapping[str, Any]) -> list[str]:
    """Send the model its warm-up requests; a model server refuses a model that fails on one.

    Args:
        folder: Folder of the SavedModel.
        signatures: Signatures of the loaded model.

    Returns:
        The problems as sentences.
    """
    import tensorflow as tf
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    path = f"{folder}/{WARMUP_REQUESTS}"
    if not tf.io.gfile.exists(path):
        return ["the model has no warm-up requests"]
    count = 0
    try:
        for record in tf.data.TFRecordDataset(path):
            request = PredictionLog.FromString(record.numpy()).predict_log.request
            inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
            function = signatures[request.model_spec.signature_name]
            function(**{name: tf.constant(values) for name, values in inputs.items()})
            count += 1
    except Exception as error:  # any error here would also happen in a model server
        return [f"warm-up request {count} fails: {type(error).__name__}: {error}"]
    return [] if count else ["the model has no warm-up requests"]


def check_predictions(predictions: dict[str, Any], batch: int) -> list[str]:
    """Check that there is one prediction per picture, and that its probabilities sum to one.

    Args:
        predictions: Result of `serving_default`.
        batch: Number of pictures in the request.
    """
    probabilities = predictions["probabilities"].numpy()
    if len(probabilities) != batch or predictions["label"].shape != (batch,):
        return [f"{batch} pictures gave {len(probabilities)} predictions"]
    if not (abs(probabilities.sum(axis=1) - 1) < 1e-3).all():  # false for NaN, too
        return ["probabilities do not sum to one"]
    return check_acceptance(predictions, batch)


def check_acceptance(predictions: dict[str, Any], batch: int) -> list[str]:
    """Check novelty and acceptance; models that were exported without them have neither.

    Args:
        predictions: Result of `serving_default`.
        batch: Number of pictures in the request.
    """
    names = {"novelty", "accepted"}
    missing = names - predictions.keys()
    if missing == names:
        return []
    if missing:
        return [f"the model has no output {missing.pop()}"]
    novelty, accepted = (predictions[name].numpy() for name in ("novelty", "accepted"))
    if novelty.shape != (batch,) or accepted.shape != (batch,):
        return [f"{batch} pictures do not give one novelty and one acceptance each"]
    if not ((novelty >= 0) & (novelty <= 1)).all():  # false for NaN, too
        return ["novelty is not between 0 and 1"]
    if accepted.dtype != bool:
        return ["accepted is neither true nor false"]
    return []


def main() -> None:
    """Check the model that the line on standard input names; end without one."""
    sys.meta_path.insert(0, RefuseOurCode())
    import tensorflow  # noqa: F401

    line = sys.stdin.readline()
    if not line:  # nobody needs the probe, or the process that started it has died
        return
    folder, count, *shards = json.loads(line)
    start = time.perf_counter()
    try:
        problems = check_model(folder, count, shards)
    except Exception as error:  # any error here would also happen in a model server
        problems = [f"{type(error).__name__}: {error}"]
    print(json.dumps({"problems": problems, "seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
