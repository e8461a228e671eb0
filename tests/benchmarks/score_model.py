"""Accuracy of a workspace's newest model, pushed or not, on the test pictures of every domain.

    python tests/benchmarks/score_model.py DATA WORKSPACE [DOMAIN]

prints a JSON object: domain -> accuracy. Test pictures are those that `carryover run` keeps out of
training with the default shares, in every domain of DATA; of DOMAIN they are all pictures.
"""

import json
import sys
from pathlib import Path

from components.compat.tfx_internals import serving_model_path
from components.image_example_gen.picture_reader import UnusablePictureError, read_picture
from components.image_example_gen.splits import assign_split, digest
from pipeline import component_ids
from pipeline.summary.run_outputs import read_outputs
from pipeline.workspace import Workspace
from trainer_module.export.saved_model_classifier import SavedModelClassifier

BATCH = 64


def main(data: Path, workspace: Path, whole_domain: str = "") -> None:
    """Score every domain."""
    model = newest_model(workspace)
    accuracies = {}
    for domain in sorted(path for path in data.iterdir() if path.is_dir()):
        is_whole = domain.name == whole_domain
        pictures = sorted(domain.glob("*/*")) if is_whole else test_pictures(domain)
        accuracies[domain.name] = score(model, pictures)
    print(json.dumps(accuracies))


def newest_model(workspace: Path) -> Path:
    """Return the folder of the newest model of a workspace."""
    newest = max((workspace / "runs").glob("*/outputs.json"))
    trained = read_outputs(newest.parent)[component_ids.TRAINER]["model"]
    return Path(serving_model_path(Workspace(workspace.resolve()).artifact(trained)))


def score(model: Path, pictures: list[Path]) -> float:
    """Return the accuracy of a model on pictures in folders of classes; damaged ones are left out.

    Args:
        model: Folder of the SavedModel.
        pictures: Paths of the pictures.
    """
    classifier = SavedModelClassifier(model)
    is_correct: list[bool] = []
    for start in range(0, len(pictures), BATCH):
        read = list(filter(None, map(_read, pictures[start : start + BATCH])))
        found = classifier.predict([encoded for encoded, _ in read]).labels
        is_correct += [label == one for one, (_, label) in zip(found, read, strict=True)]
    return sum(is_correct) / len(is_correct)


def test_pictures(domain: Path) -> list[Path]:
    """Return the paths of the test split of a domain."""
    paths = sorted(domain.glob("*/*"))
    return [path for path in paths if assign_split(digest(path.read_bytes()), 0.15, 0.15) == "test"]


def _read(path: Path) -> tuple[bytes, str] | None:
    """Return an encoded picture with its class; None for one that is not usable."""
    try:
        return read_picture(path.read_bytes()).encoded, path.parent.name
    except UnusablePictureError:
        print(f"{path}: not usable", file=sys.stderr)
        return None


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
