"""The page of a run that never was, of real plots and pictures, with names that mean mischief."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from tiny_pictures import solid
from tiny_summary import domain, summary

from pipeline.report.rendering import write_page
from pipeline.report.run_record import RunRecord
from pipeline.report.run_report import page_values
from pipeline.report.sections.data_facts import Counts, DataFacts, File, Pair
from pipeline.report.sections.lineage import Link
from pipeline.report.sections.model_facts import ModelFacts, describe_model
from pipeline.report.test_predictions import Answers, Mistake
from pipeline.report.thumbnails import thumbnail
from pipeline.summary.summary_schema import Summary
from trainer_module.export.reference_embeddings import Reference

#: A folder may be named so.
SCRIPT = "<script>alert(1)</script>"
DOMAINS = ("day", "night $x_1$", "_fog & mist")
CLASSES = ("cat", "dog", SCRIPT)

#: Per domain: true class, answer, confidence, pictures.
ANSWERS = (
    ("cat", "cat", 0.95, 6),
    ("dog", "dog", 0.85, 3),
    ("cat", "dog", 0.75, 2),
    (SCRIPT, "cat", 0.9, 1),
)


def tiny_model() -> ModelFacts:
    """A model that is as good in all three domains."""
    rows = [(place, *row[:3]) for place in DOMAINS for row in ANSWERS for _ in range(row[3])]
    domains, labels, answers, confidences = (
        np.array(each, object) for each in zip(*rows, strict=True)
    )
    mistakes = {
        place: [
            Mistake(
                f"{place}/{true}/{number}.png",
                place,
                true,
                said,
                sure,
                solid((90 * number, 80, 40)),
            )
            for number, (_, true, said, sure) in enumerate(
                r for r in rows if r[0] == place and r[1] != r[2]
            )
        ]
        for place in DOMAINS
    }
    found = Answers(
        domains,
        labels,
        answers,
        confidences.astype(np.float32),
        mistakes,
        dict.fromkeys(DOMAINS, 12),
    )
    rng = np.random.default_rng(3)
    places = np.repeat(DOMAINS, 12)
    reference = Reference(
        rng.normal(np.repeat((0, 1, 4), 12)[:, None], 1, (36, 8)), np.full(36, 0.5), places
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
    return describe_model(description, 12.5, found, reference, dict.fromkeys(DOMAINS, 0.75))


def tiny_data() -> DataFacts:
    """Some pictures, one reject and one conflict."""
    picture = thumbnail(solid("red"))
    sides = [File(f"day/{name}/1.png", ["day", name, "train"], picture) for name in CLASSES[1:]]
    return DataFacts(
        counts=Counts(
            {name: {"train": 30, "eval": 12, "test": 12} for name in DOMAINS},
            {name: dict.fromkeys(DOMAINS, 18) for name in CLASSES},
        ),
        measures=[],
        rejects=[File(f"day/{SCRIPT}/2.png", ["damaged: no end", "10 bytes"], None)],
        all_rejects=1,
        pairs=[Pair("label conflict", 0, *sides)],
        all_pairs=1,
    )


def tiny_record(folder: Path, found: Summary) -> RunRecord:
    """A run with one artifact."""
    link = Link("Trainer", True, "model", "Model", 7, "/artifacts/Trainer/model/7", False)
    folder.mkdir(parents=True, exist_ok=True)
    found.write(folder)
    config = {"name": "pets", "gate": {"min_accuracy": 0.5, "max_drop": 0.02, "confidence": 0.9}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return RunRecord(folder, found, config, [link])


def write_tiny_report(folder: Path, **changes: Any) -> Path:
    """Write the page; returns its path.

    Args:
        folder: of the run.
        changes: of the summary.
    """
    results = {
        DOMAINS[0]: domain(0.75, 0.7),
        DOMAINS[1]: domain(0.5, 0.8).model_copy(update={"change_low": -0.4, "change_high": -0.2}),
        DOMAINS[2]: domain(0.8),
    }
    reasons = [f"domain '{DOMAINS[1]}': accuracy fell by more than chance"]
    facts = {"domains": results, "worst_domain": DOMAINS[1], "status": "not_blessed"}
    found = summary(**facts | {"reasons": reasons, "classes": list(CLASSES)} | changes)
    values = page_values(tiny_record(folder, found), tiny_data(), tiny_model())
    return write_page(folder / "report.html", "report.html.j2", **values)
