"""Alarms of `carryover monitor` on simulated traffic, and its estimate of the accuracy.

Each domain in turn is left out of a training. Of the model, three things are measured on pictures
that were not trained on:

- 20 streams of 2,000 test pictures of the known domains, each with a mixture and class balances of
  its own: how many raise an alarm.
- 20 streams that turn to the left-out domain: how many pictures later an alarm is raised.
- The accuracy in the left-out domain, its estimate, and the mean confidence.

Exits with 1 when a limit is missed.

    python tests/benchmarks/bench_monitor.py --data PACS [--domain sketch ...] [--image-size 128]
        [--seed 1] [--arrays FOLDER] [--output RESULTS.json]

`--arrays` keeps what the models say of the pictures, so that the next call trains nothing.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from bench_novelty import Pictures, train
from rich import box
from rich.console import Console
from rich.table import Table

from pipeline.monitoring.agreement import SecondClassifier
from pipeline.monitoring.drift_test import DriftTest
from pipeline.monitoring.known_pictures import KnownPictures
from pipeline.retraining.assessing.accuracy_estimate import KnownConfidences
from trainer_module.export.novelty import NoveltyModel, read_novelty
from trainer_module.export.reference_embeddings import Reference, sample_rows
from trainer_module.export.saved_model_classifier import SavedModelClassifier

#: Streams of each kind, and pictures of a stream of known domains.
STREAMS, PICTURES = 20, 2_000

#: Least and most known pictures before a stream turns, and new pictures after them.
BEFORE, NEW = (50, 1_500), 400

#: Concentrations of the Dirichlet distributions that mixtures and class balances are drawn from.
CONCENTRATIONS = (0.3, 1.0, 3.0)

#: Limits: alarms of known streams of a model, pictures until an alarm, and mean error of the
#: estimated accuracy.
MAX_FALSE, MAX_DELAY, MAX_ERROR = 1, 200, 0.07

#: Estimates of the accuracy; the first is that of `carryover monitor`.
ESTIMATES = ("monitor", "agreement", "ATC", "confidence")

Array = npt.NDArray[Any]

console = Console()


@dataclass(frozen=True)
class Answers:
    """What a model says of all pictures, and what is known of them.

    Attributes:
        embeddings: Embeddings, float [rows, dim].
        means: Means of training pictures, of which the novelty is, float32 [means, dim].
        confidences: Confidences, float32 [rows].
        predicted: Predicted classes, str [rows].
        domains: Domains, str [rows].
        labels: Classes, str [rows].
        splits: Splits, str [rows].
    """

    embeddings: Array
    means: Array
    confidences: Array
    predicted: Array
    domains: Array
    labels: Array
    splits: Array

    @property
    def correct(self) -> Array:
        """Whether the predictions are correct, bool [rows]."""
        return self.predicted == self.labels


def ask(pictures: Pictures, domain: str, image_size: int) -> Answers:
    """Train without a domain, and ask the model about all pictures."""
    with tempfile.TemporaryDirectory(prefix="bench-monitor-") as folder:
        kept = pictures.domains != domain
        exported = train(pictures, kept, image_size, Path(folder))
        novelty = read_novelty(str(exported))
        model = SavedModelClassifier(exported)
        predictions, embeddings = model.predict_and_embed(pictures.encoded)
    assert novelty is not None
    return Answers(
        embeddings,
        novelty.means,
        predictions.confidences,
        np.array(predictions.labels),
        pictures.domains.astype(str),
        pictures.labels.astype(str),
        pictures.splits.astype(str),
    )


def measure(answers: Answers, new_domain: str, seed: int) -> dict[str, Any]:
    """Measure the alarms and the estimate for the model without a domain."""
    known = know(answers, new_domain)
    points = known.project(answers.embeddings)
    rng = np.random.default_rng(seed)
    streams = Streams(answers, new_domain, rng)
    alarms = [alarm(known, points[streams.known(PICTURES)]) for _ in range(STREAMS)]
    delays = []
    for _ in range(STREAMS):
        before = int(rng.integers(*BEFORE))
        rows = np.r_[streams.known(before), streams.new(NEW)]
        found = alarm(known, points[rows])
        delays.append(None if found is None else found - before)
    return {"alarms": alarms, "delays": delays, **estimate(answers, new_domain, known)}


def know(answers: Answers, new_domain: str) -> KnownPictures:
    """Return the known pictures as an export has them: a sample of the eval split."""
    rows = np.flatnonzero((answers.splits == "eval") & (answers.domains != new_domain))
    rows = rows[sample_rows(answers.domains[rows])]
    reference = Reference(
        answers.embeddings[rows].astype(np.float16),
        answers.confidences[rows],
        answers.domains[rows],
        answers.labels[rows],
    )
    novelty = NoveltyModel(answers.means, np.zeros(1, np.float32), np.zeros(1, np.float32))
    known = KnownPictures.of_reference(reference, novelty)
    assert known is not None
    return known


def alarm(known: KnownPictures, points: Array) -> int | None:
    """Return the number of pictures up to the alarm of a stream."""
    test = DriftTest()
    test.add(known, points)
    return test.alarm


class Streams:
    """Draws streams of pictures, with replacement from the test split."""

    def __init__(self, answers: Answers, new_domain: str, rng: np.random.Generator) -> None:
        self._rng = rng
        tested = answers.splits == "test"
        names = zip(answers.domains, answers.labels, strict=True)
        groups = {name for name in names if name[0] != new_domain}
        self._domains = sorted({domain for domain, _ in groups})
        self._rows = {
            domain: [
                np.flatnonzero(tested & (answers.domains == domain) & (answers.labels == label))
                for label in sorted({label for other, label in groups if other == domain})
            ]
            for domain in self._domains
        }
        self._new = np.flatnonzero(answers.domains == new_domain)

    def known(self, count: int) -> Array:
        """Rows of a random mixture of the known domains, with random class balances."""
        mixture = self._shares(len(self._domains))
        balances = {name: self._shares(len(rows)) for name, rows in self._rows.items()}
        drawn = [self._domains[i] for i in self._rng.choice(len(mixture), count, p=mixture)]
        return np.array(
            [
                self._rng.choice(
                    self._rows[name][self._rng.choice(len(balances[name]), p=balances[name])]
                )
                for name in drawn
            ]
        )

    def new(self, count: int) -> Array:
        """Rows of the new domain, each at most once."""
        return self._rng.choice(self._new, count, replace=False)

    def _shares(self, count: int) -> Array:
        return self._rng.dirichlet(np.full(count, self._rng.choice(CONCENTRATIONS)))


def estimate(answers: Answers, new_domain: str, known: KnownPictures) -> dict[str, Any]:
    """Return accuracy in the new domain and its estimates: ours, of ATC, and mean confidence.

    ATC is the method that `carryover retrain` uses (arXiv 2201.04234).
    """
    new = answers.domains == new_domain
    tested = (answers.splits == "test") & ~new
    confidences = KnownConfidences(
        answers.domains[tested].astype(object),
        answers.confidences[tested],
        answers.correct[tested],
    )
    found = confidences.estimate(new_domain, answers.confidences[new])
    points = known.project(answers.embeddings[new])
    agreement = SecondClassifier(known).agreement(points, answers.predicted[new])
    assert found is not None
    assert agreement is not None
    return {
        "accuracy": float(answers.correct[new].mean()),
        "monitor": min(agreement, found.accuracy),
        "agreement": agreement,
        "ATC": found.accuracy,
        "confidence": float(answers.confidences[new].mean()),
    }


def show(results: dict[str, dict[str, Any]]) -> bool:
    """Print all results; return whether the limits are kept."""
    table = Table("left out", title="Alarms and estimated accuracy", box=box.SIMPLE_HEAD)
    for column in ("false alarms", "found", "delay, median", "greatest"):
        table.add_column(column, justify="right")
    for column in ("accuracy", *ESTIMATES):
        table.add_column(column, justify="right")
    good = True
    for domain, found in results.items():
        false = sum(one is not None for one in found["alarms"])
        # An alarm before the change is a false one.
        late = [MAX_DELAY * 9 if one is None or one <= 0 else one for one in found["delays"]]
        in_time = sum(one <= MAX_DELAY for one in late)
        good &= false <= MAX_FALSE and in_time == len(late)
        table.add_row(
            domain,
            f"{false} of {len(found['alarms'])}",
            f"{in_time} of {len(late)}",
            f"{np.median(late):.0f}",
            f"{max(late)}",
            *(f"{found[name]:.3f}" for name in ("accuracy", *ESTIMATES)),
        )
    console.print(table)
    errors = {
        name: float(np.mean([abs(one[name] - one["accuracy"]) for one in results.values()]))
        for name in ESTIMATES
    }
    for name, error in errors.items():
        console.print(f"mean error of the estimate by {name}: {error:.3f}", highlight=False)
    return good and errors["monitor"] <= min(MAX_ERROR, errors["confidence"])


def main(
    data: Path,
    domains: list[str] | None,
    image_size: int,
    seed: int,
    arrays: Path | None,
    output: Path | None,
) -> int:
    """Measure all models, and print the table."""
    pictures: Pictures | None = None
    names = domains or sorted(path.name for path in data.iterdir() if path.is_dir())
    results = {}
    for domain in names:
        stored = arrays / f"{domain}.npz" if arrays else None
        if stored and stored.exists():
            with np.load(stored) as found:
                answers = Answers(**found)
        else:
            pictures = pictures or Pictures.read(data)
            answers = ask(pictures, domain, image_size)
            if stored:
                np.savez(stored, **vars(answers))
        results[domain] = measure(answers, domain, seed)
        console.print(f"{domain}: {results[domain]}", highlight=False)
    if output:
        output.write_text(json.dumps(results, indent=1) + "\n")
    return 0 if show(results) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--domain", dest="domains", nargs="*")
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--arrays", type=Path)
    parser.add_argument("--output", type=Path)
    sys.exit(main(**vars(parser.parse_args())))
