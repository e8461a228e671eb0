"""Report of a run that never took place, with real plots and hostile names."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from tiny_pictures import solid
from tiny_summary import domain, summary

from pipeline.report.lineage import LineageEvent
from pipeline.report.rendering import write_page
from pipeline.report.run_record import RunRecord
from pipeline.report.run_report import page_values
from pipeline.report.sections.data_section import (
    DataSection,
    ListedFile,
    LookalikePair,
    PictureCounts,
)
from pipeline.report.sections.model_section import ModelSection, describe_model
from pipeline.report.split_predictions import Mistake, SplitPredictions
from pipeline.report.thumbnails import encode_thumbnail
from pipeline.summary.summary_schema import ClassResult, MetricResult, Summary
from trainer_module.export.reference_embeddings import Reference

#: The name of a folder, and so of a class, may be a script.
SCRIPT = "<script>alert(1)</script>"
DOMAINS = ("day", "night $x_1$", "_fog & mist")
CLASSES = ("cat", "dog", SCRIPT)

#: Per domain: true class, predicted class, confidence, number of pictures.
PREDICTIONS = (
    ("cat", "cat", 0.95, 6),
    ("dog", "dog", 0.85, 3),
    ("cat", "dog", 0.75, 2),
    (SCRIPT, "cat", 0.9, 1),
)


def tiny_model(predictions: SplitPredictions | None = None) -> ModelSection:
    """Return a model, by default with the same predictions in all three domains."""
    rng = np.random.default_rng(3)
    reference = Reference(
        rng.normal(np.repeat((0, 1, 4), 12)[:, None], 1, (36, 8)),
        np.full(36, 0.5),
        np.repeat(DOMAINS, 12),
    )
    curve = [{"loss": 1.0 / epoch, "eval": 1 - 0.5 / epoch} for epoch in range(1, 5)]
    stage = {"curve": curve, "domain_accuracy": dict.fromkeys(DOMAINS, 0.75)}
    description = {
        "labels": list(CLASSES),
        "backbone": "efficientnet_lite0",
        "image_size": 32,
        "temperature": 1.25,
        "training": {"frozen": stage, "fine_tuned": stage, "chosen": "fine_tuned"},
    }
    accuracies = dict.fromkeys(DOMAINS, 0.75)
    predictions = predictions or tiny_predictions()
    return describe_model(description, 12.5, predictions, reference, accuracies)


def tiny_predictions() -> SplitPredictions:
    """Return `PREDICTIONS` of every domain."""
    rows = [(name, *row[:3]) for name in DOMAINS for row in PREDICTIONS for _ in range(row[3])]
    domains, labels, predicted, confidences = (
        np.array(column, object) for column in zip(*rows, strict=True)
    )
    return SplitPredictions(
        domains=domains,
        labels=labels,
        predicted=predicted,
        confidences=confidences.astype(np.float32),
        mistakes={name: _mistakes(name) for name in DOMAINS},
    )


def _mistakes(name: str) -> list[Mistake]:
    rows = [row[:3] for row in PREDICTIONS for _ in range(row[3]) if row[0] != row[1]]
    return [
        Mistake(
            image_id=f"{name}/{label}/{number}.png",
            domain=name,
            label=label,
            predicted=predicted,
            confidence=confidence,
            content=solid((90 * number, 80, 40)),
        )
        for number, (label, predicted, confidence) in enumerate(rows)
    ]


def tiny_data() -> DataSection:
    """Return some pictures, one reject and one label conflict."""
    picture = encode_thumbnail(solid("red"))
    first, second = (
        ListedFile(f"day/{name}/1.png", ["day", name, "train"], picture) for name in CLASSES[1:]
    )
    return DataSection(
        counts=PictureCounts(
            {name: {"train": 30, "eval": 12, "test": 12} for name in DOMAINS},
            {name: dict.fromkeys(DOMAINS, 18) for name in CLASSES},
        ),
        measures=[],
        rejects=[ListedFile(f"day/{SCRIPT}/2.png", ["damaged: no end", "10 bytes"], None)],
        num_rejects=1,
        blank=[ListedFile(f"day/{SCRIPT}/3.png", ["bottom 50%", "day, cup, train"], None)],
        num_blank=2,
        pairs=[LookalikePair("label conflict", 0, first, second)],
        num_pairs=1,
        suspects=[ListedFile("day/cat/5.png", ["cat, or dog?", "day"], picture)],
        num_suspects=3,
    )


def tiny_classes() -> dict[str, ClassResult]:
    """Return results of three classes: one lost its pictures, one is as before, one gained."""
    changes = {"change_low": -0.95, "change_high": -0.7, "is_proven": True, "passed": False}
    even = {"change_low": -0.05, "change_high": 0.2}
    power = {"test_images": 30, "detectable_loss": 0.2, "needed_images": 90}
    return {
        SCRIPT: ClassResult(recall=0.1, baseline_recall=0.9, **changes, **power),
        "cat": ClassResult(recall=0.8, baseline_recall=0.8, **even, **power),
        "dog": ClassResult(recall=0.9, baseline_recall=0.8, **even, **power),
    }


def tiny_metric() -> MetricResult:
    """Return the result of a log loss that rose."""
    return MetricResult(
        test_images=30,
        baseline=0.25,
        candidate=0.75,
        change_low=0.3,
        change_high=0.7,
        limit=0.05,
        is_proven=True,
        passed=False,
        detectable_loss=0.4,
        needed_images=1920,
    )


def tiny_record(folder: Path, run_summary: Summary) -> RunRecord:
    """Write a run with one artifact, and return its record."""
    uri = "/artifacts/Trainer/model/7"
    event = LineageEvent("Trainer", True, "model", "Model", 7, uri, cached=False)
    folder.mkdir(parents=True, exist_ok=True)
    run_summary.write(folder)
    config = {"name": "pets", "gate": {"min_accuracy": 0.5, "max_drop": 0.02, "confidence": 0.9}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return RunRecord(folder, run_summary, config, [event])


def write_tiny_report(folder: Path, **changes: Any) -> Path:
    """Write the report, and return its path.

    Args:
        folder: Folder of the run.
        **changes: Fields of the summary to replace.
    """
    results = {
        DOMAINS[0]: domain(0.75, 0.7),
        DOMAINS[1]: domain(0.5, 0.8).model_copy(
            update={
                "change_low": -0.4,
                "change_high": -0.2,
                "accuracy_low": 0.48,
                "accuracy_high": 0.52,
                "best_version": 1,
                "best_accuracy": 0.85,
                "detectable_loss": 0.03,
                "needed_images": 2000,
                "classes": tiny_classes(),
                "metrics": {"log_loss": tiny_metric()},
            }
        ),
        DOMAINS[2]: domain(0.8),
    }
    fields = {
        "domains": results,
        "worst_domain": DOMAINS[1],
        "status": "not_blessed",
        "reasons": [f"domain '{DOMAINS[1]}': accuracy fell by more than chance"],
        "classes": list(CLASSES),
    }
    record = tiny_record(folder, summary(**fields | changes))
    values = page_values(record, tiny_data(), tiny_model())
    return write_page(folder / "report.html", "report.html.j2", **values)
