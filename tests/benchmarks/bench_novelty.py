"""Novelty and accepted predictions: how well a model knows what it does not know.

Three tables, from scratch:

- Two trainings, one without a domain and one without a class, are scored by the exported models.
  AUROC of the novelty, and of 1 - confidence for comparison: pictures of what was left out against
  the test pictures of the rest.
- Accepted predictions of the test split in every domain of these models, and how many of them are
  correct.
- Every class in turn is left out of the means of the ImageNet backbone, which never saw it with a
  label of this data set. AUROC of the novelty per domain, mean over the classes, for the distance
  of the product and for the others that were considered. The eval split chooses, the test split
  reports.

    python tests/benchmarks/bench_novelty.py --data PACS [--domain sketch] [--class person]
        [--image-size 128] [--output RESULTS.json]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from bench_retrain import CARRYOVER
from rich import box
from rich.console import Console
from rich.table import Table
from scipy.linalg import eigh
from scipy.stats import rankdata
from score_model import newest_model

from components.image_example_gen.picture_reader import UnusablePictureError, read_picture
from components.image_example_gen.splits import assign_split, digest
from trainer_module.export.novelty import distances_to_nearest, fit_novelty, normalised
from trainer_module.export.saved_model_classifier import SavedModelClassifier

#: Neighbour whose distance is compared ("knn"), and most training pictures to search it in.
NEIGHBOUR, MAX_NEIGHBOURS = 5, 1000

#: Principal components of the covariance ("mahalanobis").
COMPONENTS = 32

Array = npt.NDArray[Any]

console = Console()


def main(data: Path, domain: str, label: str, image_size: int, output: Path | None) -> None:
    """Measure and print all tables."""
    pictures = Pictures.read(data)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="bench-novelty-") as folder:
        for name, left_out in (
            (f"without the domain {domain}", pictures.domains == domain),
            (f"without the class {label}", pictures.labels == label),
        ):
            here = Path(folder, name.replace(" ", "-"))
            model = SavedModelClassifier(train(pictures, ~left_out, image_size, here))
            results[name] = score(model, pictures, left_out)
            show_trained(name, results[name])
    embeddings = embed_with_imagenet(pictures, image_size)
    results["left-out classes"] = leave_out_classes(embeddings, pictures)
    show_left_out(results["left-out classes"])
    if output:
        output.write_text(json.dumps(results, indent=1) + "\n")


class Pictures:
    """Encoded pictures of a folder <domain>/<class>/, with the splits of `carryover run`."""

    def __init__(self, rows: list[tuple[Path, bytes, str]]) -> None:
        self.paths = [path for path, _, _ in rows]
        self.encoded = [encoded for _, encoded, _ in rows]
        self.domains = np.array([path.parts[-3] for path in self.paths], object)
        self.labels = np.array([path.parts[-2] for path in self.paths], object)
        self.splits = np.array([split for _, _, split in rows], object)

    @classmethod
    def read(cls, data: Path) -> "Pictures":
        """Read all usable pictures."""
        return cls(list(_read_rows(data.resolve())))


def _read_rows(data: Path) -> Iterator[tuple[Path, bytes, str]]:
    for path in sorted(data.glob("*/*/*")):
        content = path.read_bytes()
        try:
            encoded = read_picture(content).encoded
        except UnusablePictureError as error:
            console.print(f"{path}: {error}", highlight=False)
            continue
        yield path, encoded, assign_split(digest(content), 0.15, 0.15)


def train(pictures: Pictures, kept: Array, image_size: int, folder: Path) -> Path:
    """Train on some of the pictures, and return the folder of the exported model."""
    for row in np.flatnonzero(kept):
        path = pictures.paths[row]
        target = folder / "data" / path.parts[-3] / path.parts[-2] / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path)
    options = ["--set", f"image_size={image_size}", "--set", "gate.min_accuracy=0"]
    workspace = folder / "workspace"
    subprocess.run(
        [*CARRYOVER, "run", "--data", folder / "data", "--workspace", workspace, *options],
        check=True,
        stdout=sys.stderr,
    )
    return newest_model(workspace)


def score(model: SavedModelClassifier, pictures: Pictures, left_out: Array) -> dict[str, Any]:
    """Score a model on the test pictures of what it knows, and on all pictures left out."""
    rows = np.flatnonzero(left_out | (pictures.splits == "test"))
    found = model.predict([pictures.encoded[row] for row in rows])
    if found.novelties is None or found.accepted is None:
        raise SystemExit("the model was exported without novelty")
    domains, is_new = pictures.domains[rows], left_out[rows]
    correct = np.array(found.labels, object) == pictures.labels[rows]
    aurocs, accepted = {}, {}
    for name in sorted(set(domains)):
        own = domains == name
        # A domain that was left out is compared with all others, a class within each domain.
        known = ~is_new & (own if (own & ~is_new).any() else np.ones(len(rows), bool))
        new = is_new & own
        if new.any():
            aurocs[name] = {
                "novelty": auroc(found.novelties[known], found.novelties[new]),
                "1 - confidence": auroc(-found.confidences[known], -found.confidences[new]),
            }
        for kind, chosen in (("test", own & ~is_new), ("left out", new)):
            if chosen.any():
                accepted[f"{name}, {kind}"] = count_accepted(found.accepted, correct, chosen)
    return {"auroc": aurocs, "accepted": accepted}


def count_accepted(accepted: Array, correct: Array, chosen: Array) -> dict[str, float]:
    """Return coverage and accuracy of the accepted predictions among chosen rows."""
    both = accepted & chosen
    return {
        "pictures": int(chosen.sum()),
        "accuracy of all": float(correct[chosen].mean()),
        "coverage": float(both.sum() / chosen.sum()),
        "accuracy": float(correct[both].mean()) if both.any() else float("nan"),
    }


def auroc(known: Array, new: Array) -> float:
    """Return the probability that a new picture has a greater value than a known one."""
    ranks = rankdata(np.concatenate([known, new]))
    count = len(new)
    return float((ranks[len(known) :].sum() - count * (count + 1) / 2) / (count * len(known)))


def embed_with_imagenet(pictures: Pictures, image_size: int) -> Array:
    """Return the embeddings of the default backbone without training, float32 [rows, dim]."""
    from trainer_module.classifier import build_classifier
    from trainer_module.data.preprocessing import decode_and_resize
    from trainer_module.training_options import BackboneOptions

    backbone = build_classifier(BackboneOptions(), image_size, ("any", "other")).backbone.model
    parts = []
    for start in range(0, len(pictures.encoded), 128):
        batch = pictures.encoded[start : start + 128]
        pixels = [decode_and_resize(encoded, image_size).numpy() for encoded in batch]
        parts.append(backbone(np.stack(pixels).astype(np.float32), training=False).numpy())
    return np.concatenate(parts)


def leave_out_classes(embeddings: Array, pictures: Pictures) -> dict[str, dict[str, float]]:
    """Return the AUROC by method, and by split and domain; means over the classes."""
    is_train = pictures.splits == "train"
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for label in sorted(set(pictures.labels)):
        new, kept = pictures.labels == label, is_train & (pictures.labels != label)
        for name, method in METHODS.items():
            values = method(
                embeddings[kept], pictures.domains[kept], pictures.labels[kept], embeddings
            )
            for split in ("eval", "test"):
                for domain in sorted(set(pictures.domains)):
                    own = (pictures.domains == domain) & (pictures.splits == split)
                    result = auroc(values[own & ~new], values[own & new])
                    found[name][f"{split}, {domain}"].append(result)
    return {
        name: {key: float(np.mean(values)) for key, values in by_key.items()}
        for name, by_key in found.items()
    }


def _novelty(train: Array, domains: Array, labels: Array, embeddings: Array) -> Array:
    means = fit_novelty(train, domains, labels, train).means
    return distances_to_nearest(means, embeddings)


def _knn(train: Array, domains: Array, labels: Array, embeddings: Array) -> Array:
    """Distance to the k-th neighbour (Sun and others, 2022, arXiv 2204.06507)."""
    rows = np.random.default_rng(0).permutation(len(train))[:MAX_NEIGHBOURS]
    cosines = normalised(embeddings) @ normalised(train[rows]).T
    return 1 - np.partition(cosines, -NEIGHBOUR, axis=1)[:, -NEIGHBOUR]


def _mahalanobis(train: Array, domains: Array, labels: Array, embeddings: Array) -> Array:
    """Mahalanobis distance to the nearest class (Lee and others, 2018, arXiv 1807.03888)."""
    units, known = normalised(embeddings), normalised(train)
    means = np.stack([known[labels == label].mean(axis=0) for label in sorted(set(labels))])
    names = np.searchsorted(sorted(set(labels)), labels.astype(str))
    differences = known - means[names]
    covariance = differences.T @ differences / len(known)
    dim = len(covariance)
    variances, vectors = eigh(covariance, subset_by_index=(dim - COMPONENTS, dim - 1))
    rest = (np.trace(covariance) - variances.sum()) / (dim - COMPONENTS)
    scaled = vectors * np.sqrt(1 / rest - 1 / np.maximum(variances, rest))
    squares = _squares(units, means) / rest - _squares(units @ scaled, means @ scaled)
    return squares.min(axis=1)


def _squares(rows: Array, points: Array) -> Array:
    sums = np.square(rows).sum(axis=1)[:, None] + np.square(points).sum(axis=1)
    return sums - 2 * rows @ points.T


#: Distance of every picture to training pictures without a class, by name.
METHODS: dict[str, Callable[[Array, Array, Array, Array], Array]] = {
    "nearest mean": _novelty,
    "knn": _knn,
    "mahalanobis": _mahalanobis,
}


def show_trained(name: str, result: dict[str, Any]) -> None:
    """Print the tables of one trained model."""
    _show(f"AUROC, {name}", result["auroc"])
    _show(f"Accepted predictions, {name}", result["accepted"])


def show_left_out(results: dict[str, dict[str, float]]) -> None:
    """Print the table of the classes that were left out in turn."""
    keys = next(iter(results.values()))
    rows = {key: {name: values[key] for name, values in results.items()} for key in keys}
    _show("AUROC of a left-out class, ImageNet backbone, mean over classes", rows)


def _show(title: str, rows: dict[str, dict[str, float]]) -> None:
    table = Table("", *next(iter(rows.values())), title=title, box=box.SIMPLE_HEAD)
    for name, values in rows.items():
        table.add_row(name, *(f"{value:.3f}".removesuffix(".000") for value in values.values()))
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--domain", default="sketch")
    parser.add_argument("--class", dest="label", default="person")
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    main(given.data, given.domain, given.label, given.image_size, given.output)
