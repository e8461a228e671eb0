"""Accuracy of a workspace's newest model, pushed or not, on the test pictures of every domain.

    python tests/benchmarks/score_model.py DATA WORKSPACE

prints a JSON object: domain -> accuracy. Test pictures are those that `carryover run` keeps out of
training with the default shares, in every domain of DATA.
"""

import json
import sys
from pathlib import Path

import tensorflow as tf

from components.compat.tfx_internals import serving_model_path
from components.image_example_gen.picture_reader import UnusablePictureError, read_picture
from components.image_example_gen.splits import assign_split, digest
from pipeline import component_ids
from pipeline.summary.run_outputs import read_outputs

BATCH = 64


def main(data: Path, workspace: Path) -> None:
    """Score every domain."""
    newest = max((workspace / "runs").glob("*/outputs.json"))
    trained = read_outputs(newest.parent)[component_ids.TRAINER]["model"]
    loaded = tf.saved_model.load(serving_model_path(trained))
    answer = loaded.signatures["serving_default"]
    shares = {}
    for domain in sorted(path for path in data.iterdir() if path.is_dir()):
        pictures = test_pictures(domain)
        right = 0
        for start in range(0, len(pictures), BATCH):
            batch = pictures[start : start + BATCH]
            labels = answer(image=tf.constant([encoded for encoded, _ in batch]))["label"].numpy()
            right += sum(
                found.decode() == label for found, (_, label) in zip(labels, batch, strict=True)
            )
        shares[domain.name] = right / len(pictures)
    print(json.dumps(shares))


def test_pictures(domain: Path) -> list[tuple[bytes, str]]:
    """Encoded pictures of the test split of a domain, with their classes."""
    found = []
    for path in sorted(domain.glob("*/*")):
        content = path.read_bytes()
        if assign_split(digest(content), 0.15, 0.15) == "test":
            try:
                found.append((read_picture(content).encoded, path.parent.name))
            except UnusablePictureError:
                print(f"{path}: not usable", file=sys.stderr)
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
